import { splitId } from '../protocol/position.ts';

/**
 * Ids are times. An id that is further in the future than clocks may differ was not assigned by Redis. Milliseconds.
 */
const TOLERANCE_MS = 60_000;
const GREATEST = '18446744073709551615-18446744073709551615';

/** A partition whose last id is in the future. */
export interface StreamAhead {
  readonly partition: number;
  readonly newest: string;
  readonly aheadMs: number;
  /** The last id is the greatest possible: the stream accepts no further entry. */
  readonly isExhausted: boolean;
}

/** `newest` is the last entry id of each partition, `now` Unix milliseconds. */
export function streamsAhead(newest: readonly string[], now: number): StreamAhead[] {
  return newest.flatMap((id, partition) => {
    const aheadMs = splitId(id)[0] - now;
    return aheadMs < TOLERANCE_MS ? [] : [{ partition, newest: id, aheadMs, isExhausted: id === GREATEST }];
  });
}

/** The fault of such a stream, in a few words. */
export function aheadText({ partition, newest, aheadMs, isExhausted }: StreamAhead): string {
  if (isExhausted) return `partition ${partition} takes no event: its last id is the greatest possible (${newest})`;
  return `the last id of partition ${partition} lies ${Math.round(aheadMs / 1_000)} s in the future (${newest})`;
}

/** What to do about it. `key` is the stream's. */
export function aheadRemedy({ newest, isExhausted }: StreamAhead, key: string): string {
  if (!isExhausted) return `let Redis give the ids (XADD ${key} * ...) and set its clock: until then times are wrong`;
  return (
    `XDEL ${key} ${newest}, then XSETID ${key} ID and XGROUP SETID ${key} GROUP ID for each group, ` +
    `with the ID of the newest entry that is left (XREVRANGE ${key} + - COUNT 1)`
  );
}
