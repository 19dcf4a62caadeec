import { isUtf8 } from 'node:buffer';
import { isUtf16 } from '../../runtime/files/utf16.ts';

const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf);
/**
 * The second byte of half a surrogate pair after 0xED: invalid in UTF-8 (RFC 3629 section 3), but used in CESU-8 and
 * WTF-8.
 */
const SURROGATE = { lead: 0xed, from: 0xa0, to: 0xbf } as const;

/** The fault of a text that still begins with a mark after its own was removed. */
export const TWO_MARKS = 'The bytes begin with two byte order marks: send one, or none';

/** Without the byte order mark that may precede a text (RFC 8259 section 8.1). */
export function withoutByteOrderMark(bytes: Buffer): Buffer {
  return isMarked(bytes) ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
}

export function isMarked(bytes: Buffer): boolean {
  return bytes[0] === BYTE_ORDER_MARK[0] && bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
}

/** The encoding of the bytes when it is not UTF-8, and what to do; null when it is UTF-8. */
export function encodingFault(bytes: Buffer): string | null {
  if (isUtf16(bytes)) return 'The bytes are UTF-16: send UTF-8';
  if (isUtf8(bytes)) return null;
  if (holdsHalfPair(bytes)) {
    return 'The bytes hold half a surrogate pair: UTF-8 has no such character, write U+10000 and above as four bytes';
  }
  return 'The bytes are not UTF-8';
}

function holdsHalfPair(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(SURROGATE.lead); at >= 0; at = bytes.indexOf(SURROGATE.lead, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next >= SURROGATE.from && next <= SURROGATE.to) return true;
  }
  return false;
}
