import type { EntryMeta } from './entry.ts';
import { splitId } from './position.ts';
import type { SyntheticReason } from './synthetic.ts';

/** The gateway's reserved key: no event of a producer has it at its top level. */
export const META_KEY = '_firehose';

/** The beginning of every control frame, and of no event. */
export const CONTROL_FRAME_START = `{"${META_KEY}":`;

/**
 * What `meta=1` and the control contract add to an event, as its last key. Unknown values are null and never absent.
 */
export interface EventMeta {
  /** Stable: every redelivery of an event has the same id. */
  readonly id: string;
  /** Continues after this event; in a group it acknowledges everything up to it. */
  readonly cursor: string;
  readonly account_id: string | null;
  /** RFC 3339 with microseconds. */
  readonly ingested_at: string | null;
  /** W3C Trace Context. */
  readonly traceparent: string | null;
  /** Only in an event that is not the switch's own: why it was made. */
  readonly synthetic?: SyntheticReason;
  /** In a group: the number of this delivery, from 1. */
  readonly attempt?: number;
}

/** Data of an event from its entry's meta line and id. `eventId` is the id for an event that has none of its own. */
export function eventMetaOf(
  meta: Pick<EntryMeta, 'account' | 'ingestedAt' | 'traceparent'> | null,
  place: {
    readonly eventId: string;
    readonly entryId: string;
    readonly cursor: string;
    /** What the event says; default: the switch's own. */
    readonly synthetic?: SyntheticReason | null;
  },
): EventMeta {
  const { synthetic = null } = place;
  return {
    id: place.eventId,
    cursor: place.cursor,
    account_id: meta?.account || null,
    ingested_at: ingestTime(meta?.ingestedAt ?? '', place.entryId),
    traceparent: meta?.traceparent || null,
    ...(synthetic !== null && { synthetic }),
  };
}

/** The id of an event: its producer's, else its place in the log. */
export function eventIdOf(meta: Pick<EntryMeta, 'eventId'> | null, partition: number, entryId: string): string {
  return meta?.eventId || `${partition}:${entryId}`;
}

/** The replacement for the closing brace of an event with other keys (`,`) or without any. */
export function metaTail(meta: EventMeta, hasKeys: boolean): string {
  return `${hasKeys ? ',' : ''}"${META_KEY}":${JSON.stringify(meta)}}`;
}

/** The last millisecond of a valid date. */
const LAST_DATE_MS = 8.64e15;

/** The last second that was written as text. */
let known = { second: Number.NaN, text: '' };

/**
 * RFC 3339 with microseconds; the entry id's milliseconds if the producer gave no time, and null if a hand-made id is
 * not a time.
 */
function ingestTime(microseconds: string, entryId: string): string | null {
  const padded = microseconds.padStart(7, '0');
  const milliseconds = microseconds === '' ? splitId(entryId)[0] : Number(padded.slice(0, -3));
  if (!(milliseconds <= LAST_DATE_MS)) return null;
  const rest = microseconds === '' ? '000' : padded.slice(-3);
  const second = Math.floor(milliseconds / 1_000);
  // Events come in the order of their times, many within a second.
  if (second !== known.second)
    known = { second, text: new Date(second * 1_000).toISOString().slice(0, -'000Z'.length) };
  const fraction = String(milliseconds - second * 1_000).padStart(3, '0');
  return `${known.text}${fraction}${rest}Z`;
}
