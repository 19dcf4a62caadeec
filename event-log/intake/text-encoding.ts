import { isUtf8 } from 'node:buffer';

const NUL = 0;
const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf);
const MARKS_OF_UTF16 = [Buffer.of(0xff, 0xfe), Buffer.of(0xfe, 0xff)];
/** The second byte of half a surrogate pair behind 0xED: no UTF-8 (RFC 3629 section 3), but CESU-8 and WTF-8. */
const SURROGATE = { lead: 0xed, from: 0xa0, to: 0xbf } as const;

/** Without the byte order mark that a text may begin with (RFC 8259 section 8.1). */
export function withoutByteOrderMark(bytes: Buffer): Buffer {
  const isMarked = bytes[0] === BYTE_ORDER_MARK[0] && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK);
  return isMarked ? bytes.subarray(3) : bytes;
}

/** The encoding of the bytes when it is not UTF-8, and what to do; null when they are UTF-8. */
export function encodingFault(bytes: Buffer): string | null {
  if (isUtf16(bytes)) return 'The bytes are UTF-16: send UTF-8';
  if (isUtf8(bytes)) return null;
  if (holdsHalfPair(bytes)) {
    return 'The bytes hold half a surrogate pair: UTF-8 has no such character, write U+10000 and above as four bytes';
  }
  return 'The bytes are not UTF-8';
}

/** By its mark, or by the NUL that every ASCII character has there and no JSON text has anywhere. */
export function isUtf16(bytes: Buffer): boolean {
  if (bytes.length < 2) return false;
  return MARKS_OF_UTF16.some((mark) => bytes.subarray(0, 2).equals(mark)) || bytes[0] === NUL || bytes[1] === NUL;
}

function holdsHalfPair(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(SURROGATE.lead); at >= 0; at = bytes.indexOf(SURROGATE.lead, at + 1)) {
    const next = bytes[at + 1] ?? 0;
    if (next >= SURROGATE.from && next <= SURROGATE.to) return true;
  }
  return false;
}
