import { createHash } from 'node:crypto';
import { CALL_END_CORRECTED } from '../protocol/catalogue.ts';
import type { LegName } from '../protocol/call.ts';
import { SYNTHETIC_FIELD } from '../protocol/synthetic.ts';
import type { AppendOutcome, NewEvent } from './event-log.ts';
import { sliceMembers } from './intake/json-slice.ts';

/**
 * Handles the real end of a leg that already has a synthetic one: the log keeps it under a different name, or not at
 * all.
 */
export type LateEnd = 'Amend' | 'Drop';

/** The synthetic end of a leg. */
export interface GivenEnd {
  /** Entry id. */
  readonly id: string;
  readonly lateEnd: LateEnd;
}

/** How long a leg's end is remembered: later events of its switch do not end it a second time. */
export const ENDED_MS = 86_400_000;

const MARK = `"${SYNTHETIC_FIELD}"`;

export function encodeGivenEnd({ id, lateEnd }: GivenEnd): string {
  return `${id} ${lateEnd}`;
}

/** Null when absent. */
export function decodeGivenEnd(text: string): GivenEnd | null {
  const [id = '', lateEnd = ''] = text.split(' ');
  return id === '' ? null : { id, lateEnd: lateEnd === 'Amend' ? 'Amend' : 'Drop' };
}

/** Events that can be the real end of a leg. Their `ended` key is checked when they are appended. */
export function isEnd({ name }: Pick<NewEvent, 'name'>): boolean {
  return name === 'CHANNEL_DESTROY';
}

/** What is written instead of a late end: nothing, or the same event under a different name. Pure. */
export function correctionOf(event: NewEvent, { lateEnd }: GivenEnd): NewEvent | null {
  // A source's synthetic end contains no more than what was written already.
  if (lateEnd === 'Drop' || event.data.includes(MARK)) return null;
  const name = sliceMembers(event.data).find(({ key }) => key === 'Event-Name')?.value;
  if (name === undefined) return null;
  const at = name.byteOffset - event.data.byteOffset;
  const digest = createHash('sha256').update(`${event.account}\t${event.callId}\t${event.eventId}`).digest('base64url');
  return {
    ...event,
    name: CALL_END_CORRECTED,
    eventId: `corrected.${digest.slice(0, 22)}`,
    data: Buffer.concat([
      event.data.subarray(0, at),
      Buffer.from(`"${CALL_END_CORRECTED}"`),
      event.data.subarray(at + name.length),
    ]),
  };
}

/**
 * The outcome of a late end, from the outcome of its correction. Its producer sends it again when that failed. Pure.
 */
export function lateOutcome(correction: AppendOutcome, end: GivenEnd): AppendOutcome {
  if (correction.outcome === 'failed') return correction;
  return { outcome: 'duplicate', partition: correction.partition, id: end.id, isLate: true };
}

/** What the table of live calls needs from a log to end a leg once. */
export interface EndingLog {
  /**
   * Appends a leg's synthetic end. Null, and nothing is written, when the leg has one already, or when an entry of it
   * follows `afterId`: the caller does not know the leg's present state.
   */
  end(event: NewEvent, options: { readonly afterId: string; readonly lateEnd: LateEnd }): string | null;
  givenEnd(leg: LegName): GivenEnd | null;
  /** Whether the partition contains this entry. */
  holds(partition: number, id: string): boolean;
}
