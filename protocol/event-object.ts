import { META_KEY } from './event-meta.ts';
import { INVALID, JSON_BYTE, scalarEnd, skipSpace, stringEnd } from './json-text.ts';

/** Deepest nesting of the arrays and objects of an event; 1 is a flat object. One bit for each level: at most 32. */
export const MAX_EVENT_DEPTH = 32;
/** Largest event that ingest accepts, in bytes. */
export const MAX_EVENT_BYTES = 65_536;
/** Largest event in bytes that may be written to the log directly, and largest message to a client without its meta. */
export const MAX_ENTRY_BYTES = 1024 * 1024;

const { QUOTE, BACKSLASH, COMMA, COLON, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT } = JSON_BYTE;

export type ObjectFault = 'not_an_object' | 'too_deep' | 'reserved_key';

const UNDERSCORE = 0x5f;

const RESERVED = -2;

/**
 * Why the bytes are not one JSON object (RFC 8259) that can be delivered, or null when they are. White space around it
 * is allowed. The reserved key at its top level is not allowed, in any spelling. The bytes must be UTF-8, which is not
 * checked here. Allocates only for a top-level key that begins with `_` or an escape.
 */
export function objectFault(bytes: Uint8Array): ObjectFault | null {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_OBJECT) return 'not_an_object';
  let depth = 0;
  /** One bit for each level, the innermost last: 1 for an array. */
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
    // After a value: the containers that end here, then the next value.
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

/** Offset of the value of the member whose key begins at `from`; INVALID, or RESERVED for the reserved key. */
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
