import { END_REASONS, type EndReason } from './end-event.ts';

/** Plain numbers that the keepers raise and the metrics endpoint reads. */
export interface CallCounters {
  /** Entries applied to the table by this replica. */
  reduced: number;
  /** Writes that were refused because another keeper had moved the table. */
  refusedWrites: number;
  /** Tables that were rebuilt from the oldest entry. */
  rebuilds: number;
  /** Legs that this replica ended, by reason. */
  readonly ends: Record<EndReason, number>;
  /** Legs that were left out of the table because their account had too many. */
  refusedLegs: number;
  /** How far the table is behind the log, by partition; 0 for one that another replica keeps. */
  readonly behindMs: number[];
}

export function createCallCounters(): CallCounters {
  const ends = Object.fromEntries(END_REASONS.map((reason) => [reason, 0])) as Record<EndReason, number>;
  return { reduced: 0, refusedWrites: 0, rebuilds: 0, ends, refusedLegs: 0, behindMs: [] };
}
