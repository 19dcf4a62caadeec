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
  let changed = false;
  /** Where the bytes begin that have not been given, and where the member before ended. */
  let end = 1;
  let isFirst = true;
  for (const { key, value } of sliceMembers(object)) {
    const start = object.indexOf(QUOTE, end);
    const valueStart = value.byteOffset - object.byteOffset;
    const valueEnd = valueStart + value.length;
    const verdict = judge(key, value);
    if (pieces.length === 0) pieces.push(object.subarray(0, start));
    if (verdict === 'cut') {
      changed = true;
    } else {
      if (!isFirst) pieces.push(object.subarray(end, start));
      isFirst = false;
      if (verdict === 'keep') {
        pieces.push(object.subarray(start, valueEnd));
      } else {
        changed = true;
        pieces.push(object.subarray(start, valueStart), verdict);
      }
    }
    end = valueEnd;
  }
  if (!changed) return object;
  pieces.push(object.subarray(end));
  return Buffer.concat(pieces);
}

/** Whether a JSON value is an object. */
export function isObjectText(value: Buffer): boolean {
  return value[0] === OPEN_OBJECT;
}
