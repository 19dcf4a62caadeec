import { createHash } from 'node:crypto';
import { CALL_END_CORRECTED } from '../protocol/catalogue.ts';
import type { LegName } from '../protocol/call.ts';
import type { AppendOutcome, NewEvent } from './event-log.ts';
import { sliceMembers } from './intake/json-slice.ts';

/** What becomes of the real end of a leg that was given a synthetic one: kept under a name of its own, or not at all. */
export type LateEnd = 'Amend' | 'Drop';

/** The synthetic end that a leg was given. */
export interface GivenEnd {
  /** Entry id. */
  readonly id: string;
  readonly lateEnd: LateEnd;
}

/** A leg's end is remembered this long: what its switch says of it later ends it no second time. */
export const ENDED_MS = 86_400_000;

/** What a synthetic event is marked by, see source/legs/event-body.ts. */
const MARK = '"Firehose-Synthetic"';

export function encodeGivenEnd({ id, lateEnd }: GivenEnd): string {
  return `${id} ${lateEnd}`;
}

/** Null for none. */
export function decodeGivenEnd(text: string): GivenEnd | null {
  const [id = '', lateEnd = ''] = text.split(' ');
  return id === '' ? null : { id, lateEnd: lateEnd === 'Amend' ? 'Amend' : 'Drop' };
}

/** Events that can be the real end of a leg. Their `ended` key is looked at when they are appended. */
export function isEnd({ name }: Pick<NewEvent, 'name'>): boolean {
  return name === 'CHANNEL_DESTROY';
}

/** What is written in place of a late end: nothing, or the same event under another name. Pure. */
export function correctionOf(event: NewEvent, { lateEnd }: GivenEnd): NewEvent | null {
  // A source that ends a leg too knows no more than what was written already.
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

/** The outcome of a late end, of what became of its correction. Its producer sends it again when that failed. Pure. */
export function lateOutcome(correction: AppendOutcome, end: GivenEnd): AppendOutcome {
  if (correction.outcome === 'failed') return correction;
  return { outcome: 'duplicate', partition: correction.partition, id: end.id, isLate: true };
}

/** What the table of live calls asks of a log, to end a leg once. */
export interface EndingLog {
  /**
   * Appends a leg's synthetic end. Null, and nothing is written, when the leg has one already, or an entry of it is after
   * `afterId`: the caller knows too little of it.
   */
  end(event: NewEvent, options: { readonly afterId: string; readonly lateEnd: LateEnd }): string | null;
  givenEnd(leg: LegName): GivenEnd | null;
}
