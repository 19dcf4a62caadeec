import { sliceMembers } from './json-slice.ts';

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;

/** What happens to a member: it is kept, cut out, or kept with another value. */
export type Cut = 'keep' | 'cut' | Buffer;

/**
 * An object without some of its members, or with other values of them. The rest keeps its bytes, its order and its
 * white space: nothing is serialised again, so that a number beyond 2^53 and an unusual escape remain intact. `object`
 * is JSON that JSON.parse accepted, without white space around it. Returns the same buffer when nothing changes.
 */
export function spliceMembers(object: Buffer, judge: (key: string, value: Buffer) => Cut): Buffer {
  const pieces: Buffer[] = [];
  /** Bytes before this offset are in the pieces, or cut out. */
  let done = 0;
  const skip = (from: number, to: number, instead?: Buffer) => {
    if (from > done) pieces.push(object.subarray(done, from));
    if (instead !== undefined) pieces.push(instead);
    done = to;
  };
  /** Where the previous member ended, and whether a kept member precedes. */
  let before = -1;
  let hasKept = false;
  for (const { key, value } of sliceMembers(object)) {
    const valueStart = value.byteOffset - object.byteOffset;
    const end = valueStart + value.length;
    const verdict = judge(key, value);
    if (verdict === 'cut') {
      // Includes the comma before it; the first kept member has none.
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
