import { META_KEY } from './event-meta.ts';

/** How deep the arrays and objects of an event are nested at most; 1 is a flat object. One bit a level: at most 32. */
export const MAX_EVENT_DEPTH = 32;
/** Bytes of an event that ingest takes. */
export const MAX_EVENT_BYTES = 65_536;
/** Largest event in bytes that may be written to the log directly, and largest message to a client without its meta. */
export const MAX_ENTRY_BYTES = 1024 * 1024;

export type ObjectFault = 'not_an_object' | 'too_deep' | 'reserved_key';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const UNDERSCORE = 0x5f;

const INVALID = -1;
const RESERVED = -2;

/** Bytes that stand for themselves in a string: all but control characters, the quote and the backslash. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);
/** What may follow a backslash; `u` wants four hexadecimal digits behind it. */
const ESCAPES: ReadonlySet<number> = new Set(new TextEncoder().encode('"\\/bfnrtu'));
const LETTER_U = 0x75;
const LITERALS = ['true', 'false', 'null'].map((word) => new TextEncoder().encode(word));

/**
 * Why the bytes are not one JSON object (RFC 8259) that can be delivered, or null when they are one: white space around
 * it is allowed, the reserved key at its top level is not, in whatever spelling. The bytes must be UTF-8, which is not
 * checked here. Allocates nothing but for a top-level key that begins with `_` or an escape.
 */
export function objectFault(bytes: Uint8Array): ObjectFault | null {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_OBJECT) return 'not_an_object';
  let depth = 0;
  /** One bit a level, the innermost last: 1 for an array. */
  let arrays = 0;
  for (;;) {
    const byte = bytes[at];
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (depth === MAX_EVENT_DEPTH) return 'too_deep';
      depth += 1;
      arrays = (arrays << 1) | (byte === OPEN_ARRAY ? 1 : 0);
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== (byte === OPEN_ARRAY ? CLOSE_ARRAY : CLOSE_OBJECT)) {
        if (byte === OPEN_OBJECT) at = memberValue(bytes, at, depth === 1);
        if (at < 0) return at === RESERVED ? 'reserved_key' : 'not_an_object';
        continue;
      }
    } else {
      at = byte === QUOTE ? stringEnd(bytes, at) : scalarEnd(bytes, at);
      if (at < 0) return 'not_an_object';
      at = skipSpace(bytes, at);
    }
    // Behind a value: the containers that end here, then the next value.
    while (bytes[at] === ((arrays & 1) === 1 ? CLOSE_ARRAY : CLOSE_OBJECT)) {
      depth -= 1;
      arrays >>>= 1;
      at = skipSpace(bytes, at + 1);
      if (depth === 0) return at === bytes.length ? null : 'not_an_object';
    }
    if (bytes[at] !== COMMA) return 'not_an_object';
    at = skipSpace(bytes, at + 1);
    if ((arrays & 1) === 0) at = memberValue(bytes, at, depth === 1);
    if (at < 0) return at === RESERVED ? 'reserved_key' : 'not_an_object';
  }
}

/** Where the value of the member begins whose key begins at `from`; INVALID, or RESERVED for the reserved key. */
function memberValue(bytes: Uint8Array, from: number, isTop: boolean): number {
  if (bytes[from] !== QUOTE) return INVALID;
  const end = stringEnd(bytes, from);
  if (end < 0) return INVALID;
  if (isTop && isReserved(bytes, from, end)) return RESERVED;
  const colon = skipSpace(bytes, end);
  return bytes[colon] === COLON ? skipSpace(bytes, colon + 1) : INVALID;
}

function isReserved(bytes: Uint8Array, from: number, end: number): boolean {
  const first = bytes[from + 1];
  if (first !== UNDERSCORE && first !== BACKSLASH) return false;
  return JSON.parse(new TextDecoder().decode(bytes.subarray(from, end))) === META_KEY;
}

/** Just after the closing quote of the string that begins at `from`, or INVALID. */
function stringEnd(bytes: Uint8Array, from: number): number {
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
function scalarEnd(bytes: Uint8Array, from: number): number {
  const first = bytes[from] ?? 0;
  if (first === MINUS || isDigit(first)) return numberEnd(bytes, from);
  for (const word of LITERALS) {
    if (word.every((code, index) => bytes[from + index] === code)) return from + word.length;
  }
  return INVALID;
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

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}
