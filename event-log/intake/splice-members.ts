import { sliceMembers } from './json-slice.ts';

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;

/** What happens to a member: kept as it is, cut out, or kept with another value. */
export type Cut = 'keep' | 'cut' | Buffer;

/**
 * An object without some of its members, or with other values of them. What stays keeps its bytes, its order and the white space between: nothing is
 * serialised again, so that a number beyond 2^53 and an odd escape come through. `object` is JSON that JSON.parse
 * accepted, without white space around it; the same buffer comes back when nothing changes.
 */
export function spliceMembers(object: Buffer, judge: (key: string, value: Buffer) => Cut): Buffer {
  const pieces: Buffer[] = [];
  /** Bytes before this one are in the pieces, or cut out. */
  let done = 0;
  const skip = (from: number, to: number, instead?: Buffer) => {
    if (from > done) pieces.push(object.subarray(done, from));
    if (instead !== undefined) pieces.push(instead);
    done = to;
  };
  /** Where the member before ended, and whether one before stays. */
  let before = -1;
  let hasKept = false;
  for (const { key, value } of sliceMembers(object)) {
    const valueStart = value.byteOffset - object.byteOffset;
    const end = valueStart + value.length;
    const verdict = judge(key, value);
    if (verdict === 'cut') {
      // With the comma before it; the first one that stays gets none.
      skip(before < 0 ? object.indexOf(QUOTE, 1) : before, end);
    } else {
      if (before >= 0 && !hasKept) skip(before, object.indexOf(QUOTE, before));
      hasKept = true;
      if (verdict !== 'keep') skip(valueStart, end, verdict);
    }
    before = end;
  }
  if (done === 0) return object;
  pieces.push(object.subarray(done));
  return Buffer.concat(pieces);
}

/** Whether a JSON value is an object. */
export function isObjectText(value: Buffer): boolean {
  return value[0] === OPEN_OBJECT;
}
