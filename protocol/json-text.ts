/** Bytes of the syntax of JSON (RFC 8259). */
export const JSON_BYTE = {
  QUOTE: 0x22,
  BACKSLASH: 0x5c,
  COMMA: 0x2c,
  COLON: 0x3a,
  OPEN_ARRAY: 0x5b,
  CLOSE_ARRAY: 0x5d,
  OPEN_OBJECT: 0x7b,
  CLOSE_OBJECT: 0x7d,
} as const;

const { QUOTE, BACKSLASH } = JSON_BYTE;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const LETTER_U = 0x75;

/** Result of the functions below when the text is not JSON. */
export const INVALID = -1;

/** Bytes that need no escape in a string: all but control characters, the quote and the backslash. */
export const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);
/** Allowed after a backslash; `u` needs four hexadecimal digits after it. */
const ESCAPES: ReadonlySet<number> = new Set(new TextEncoder().encode('"\\/bfnrtu'));
const LITERALS = ['true', 'false', 'null'].map((word) => new TextEncoder().encode(word));

/** Just after the closing quote of the string that begins at `from`, or INVALID. */
export function stringEnd(bytes: Uint8Array, from: number): number {
  let at = from + 1;
  for (;;) {
    while (PLAIN[bytes[at] ?? 0] === 1) at += 1;
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) return INVALID;
    const escape = bytes[at + 1] ?? 0;
    if (!ESCAPES.has(escape)) return INVALID;
    if (escape === LETTER_U) {
      for (let digit = at + 2; digit < at + 6; digit += 1) if (!isHex(bytes[digit] ?? 0)) return INVALID;
      at += 6;
    } else at += 2;
  }
}

/** Just after the number, `true`, `false` or `null` that begins at `from`, or INVALID. */
export function scalarEnd(bytes: Uint8Array, from: number): number {
  const first = bytes[from] ?? 0;
  if (first === MINUS || isDigit(first)) return numberEnd(bytes, from);
  for (const word of LITERALS) if (isThere(bytes, from, word)) return from + word.length;
  return INVALID;
}

/** Whether these bytes begin at `from`. */
export function isThere(bytes: Uint8Array, from: number, wanted: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index += 1) if (bytes[from + index] !== wanted[index]) return false;
  return true;
}

function numberEnd(bytes: Uint8Array, from: number): number {
  let at = bytes[from] === MINUS ? from + 1 : from;
  if (bytes[at] === ZERO) at += 1;
  else at = digitsEnd(bytes, at);
  if (at >= 0 && bytes[at] === DOT) at = digitsEnd(bytes, at + 1);
  const exponent = at < 0 ? 0 : (bytes[at] ?? 0) | 0x20;
  if (exponent !== 0x65) return at;
  const sign = bytes[at + 1];
  return digitsEnd(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
}

/** Just after one or more digits, or INVALID. */
function digitsEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(bytes[at] ?? 0)) at += 1;
  return at === from ? INVALID : at;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39;
}

function isHex(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

/** The first byte from `from` on that is not white space (RFC 8259 section 2). */
export function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}
