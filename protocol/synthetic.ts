/** The only marker of events that are not the switch's own. */
export const SYNTHETIC_FIELD = 'Firehose-Synthetic';

/**
 * Why an event is not the switch's own: the values of that field. A source makes the first two; the table of live calls
 * ends legs with all but `missed`, see `gateway/calls/end-event.ts`.
 */
export const SYNTHETIC_REASONS = ['missed', 'switch_restarted', 'switch_lost', 'reconciled', 'silent'] as const;
export type SyntheticReason = (typeof SYNTHETIC_REASONS)[number];

/** Null for a value that is not one of them: anybody who may write events may write this field. */
export function syntheticReason(value: unknown): SyntheticReason | null {
  return SYNTHETIC_REASONS.find((reason) => reason === value) ?? null;
}
