import { withoutByteOrderMark } from './text-encoding.ts';

/**
 * Finds the values in a JSON text without changing a byte of them. It follows only strings and brackets. JSON.parse
 * judges a slice afterwards, and finds garbage between brackets then.
 */
export interface Member {
  /** The key with its escapes resolved. */
  readonly key: string;
  readonly value: Buffer;
}

/** Deeper texts are not parsed: 4 MB of brackets would block the process for more than a second. */
export const DEEPEST = 1_024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Removes a byte order mark before it, and the white space of RFC 8259 section 2 around it. */
export function trimJson(text: Buffer): Buffer {
  return trimSpace(withoutByteOrderMark(text));
}

/** Removes the white space of RFC 8259 section 2 around it. */
export function trimSpace(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && isSpace(bytes[end - 1])) end -= 1;
  const start = Math.min(skipSpace(bytes, 0), end);
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}

/** The elements of an array, one more than `limit` at most; null when its brackets, strings or commas do not match. */
export function sliceArray(bytes: Buffer, limit: number): Buffer[] | null {
  if (bytes[0] !== OPEN_ARRAY) return null;
  const elements: Buffer[] = [];
  let at = skipSpace(bytes, 1);
  if (bytes[at] === CLOSE_ARRAY) return at === bytes.length - 1 ? elements : null;
  for (;;) {
    const end = valueEnd(bytes, at);
    if (end < 0) return null;
    elements.push(bytes.subarray(at, end));
    if (elements.length > limit) return elements;
    const next = skipSpace(bytes, end);
    if (bytes[next] === CLOSE_ARRAY) return next === bytes.length - 1 ? elements : null;
    if (bytes[next] !== COMMA) return null;
    at = skipSpace(bytes, next + 1);
  }
}

/** The first `limit` members of an object that JSON.parse has accepted, in order, including repeated keys. */
export function sliceMembers(bytes: Buffer, limit = Infinity): Member[] {
  const members: Member[] = [];
  let at = skipSpace(bytes, 1);
  while (bytes[at] === QUOTE && members.length < limit) {
    const keyEnd = stringEnd(bytes, at);
    const colon = skipSpace(bytes, keyEnd);
    if (keyEnd < 0 || bytes[colon] !== COLON) break;
    const start = skipSpace(bytes, colon + 1);
    const end = valueEnd(bytes, start);
    if (end < 0) break;
    members.push({ key: keyText(bytes, at, keyEnd), value: bytes.subarray(start, end) });
    const next = skipSpace(bytes, end);
    if (bytes[next] !== COMMA) break;
    at = skipSpace(bytes, next + 1);
  }
  return members;
}

/** The key between two quotes. */
function keyText(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('utf8', from, to);
  return text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1);
}

/** Whether the text is shallow enough for JSON.parse. */
export function isParsable(bytes: Buffer): boolean {
  return depthOf(bytes) <= DEEPEST;
}

/**
 * The number of opening brackets, including those in strings, if there are at most `limit`: the text is no deeper. Else
 * null.
 */
export function depthBound(bytes: Buffer, limit: number): number | null {
  let count = 0;
  for (const bracket of [OPEN_OBJECT, OPEN_ARRAY]) {
    for (let at = bytes.indexOf(bracket); at >= 0; at = bytes.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > limit) return null;
    }
  }
  return count;
}

/** How deep arrays and objects are nested: 1 for a flat object. */
export function depthOf(bytes: Buffer): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const end = stringEnd(bytes, at);
      if (end < 0) return deepest;
      at = end - 1;
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      depth -= 1;
    }
  }
  return deepest;
}

/** Just after the value that begins at `from`; -1 when it does not end. */
export function valueEnd(bytes: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = stringEnd(bytes, at);
      if (at < 0 || depth === 0) return at;
      continue;
    }
    if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      depth += 1;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || isSpace(byte))) {
      return at;
    }
    at += 1;
  }
  return depth === 0 ? at : -1;
}

/** Just after the closing quote of the string that begins at `from`; -1 when there is none. */
function stringEnd(bytes: Buffer, from: number): number {
  for (let at = from + 1; at < bytes.length; at += 1) {
    if (bytes[at] === BACKSLASH) at += 1;
    else if (bytes[at] === QUOTE) return at + 1;
  }
  return -1;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
