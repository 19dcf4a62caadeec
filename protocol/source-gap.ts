import { z } from 'zod';

/**
 * Name of the log entry for a time without a listener to a switch. It has no account, so that it reaches no plain
 * session, and a lower-case name, so that ingest drops a forged one.
 */
export const SOURCE_GAP = 'source.gap';

export const SOURCE_GAP_REASONS = [
  /** All replicas lost the switch, or were cut off from it. */
  'connection_lost',
  'switch_restarted',
  /** The log was away longer than the source can store events. */
  'overflow',
  /** AMQP: the queue was deleted, the bindings were away, the queue was full or its messages too old. */
  'queue_lost',
  'bindings_lost',
  'queue_overflow',
  /** No replica of the source ran. */
  'not_started',
] as const;
export type SourceGapReason = (typeof SOURCE_GAP_REASONS)[number];

const count = z.int().min(0);
/** Unix milliseconds of a valid date. */
const time = z.int().min(0).max(8.64e15);

/** The data of such an entry. Times are Unix milliseconds; keys of a newer version are ignored. */
const sourceGapSchema = z.object({
  /** `<namespace>/<name>` of the source. */
  source: z.string().min(1).max(512),
  endpoint: z.string().min(1).max(128),
  reason: z.enum(SOURCE_GAP_REASONS),
  from: time,
  to: time,
  /** Legs that got a synthetic end, and legs that began in this time. */
  legs_ended: count,
  legs_begun: count,
});
export type SourceGap = z.output<typeof sourceGapSchema>;

/** The first letter of the name; no name of an ordinary event has it there. */
const FIRST = SOURCE_GAP.charCodeAt(0);
const GAP_LINE = /^1\tsource\.gap(?:\t(?:\t|$)|$)/;

/**
 * Whether a meta line is that of a gap: the name, and no account. Called for each read entry: for all others it
 * compares one character.
 */
export function isSourceGap(meta: string): boolean {
  return meta.charCodeAt(2) === FIRST && GAP_LINE.test(meta);
}

export function encodeSourceGap(gap: SourceGap): string {
  return JSON.stringify(gap);
}

/** Null when unreadable: the entry is then poison. */
export function decodeSourceGap(text: string): SourceGap | null {
  try {
    return sourceGapSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Id of the entry: replicas that find the same gap write it once. */
export function sourceGapId({ source, endpoint, from }: SourceGap): string {
  return `gap.${source.replaceAll('/', '.')}.${endpoint}.${from}`;
}
