import { splitId, type Position } from './position.ts';

/**
 * A position as the client sees it: opaque, URL-safe, about 30 characters for four partitions. Layout before
 * base64url: format byte, length-prefixed epoch, then for each partition the milliseconds as a difference to the
 * partition before (zigzag) and the sequence, all as variable-length integers.
 */
const FORMAT = 1;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const MAX_CURSOR_LENGTH = 2_048;

export function encodeCursor(position: Position): string {
  const bytes: number[] = [FORMAT, position.epoch.length];
  for (let index = 0; index < position.epoch.length; index += 1) bytes.push(position.epoch.charCodeAt(index) & 0x7f);
  let previous = 0;
  for (const id of position.ids) {
    const [milliseconds, sequence] = splitId(id);
    const difference = milliseconds - previous;
    pushInteger(bytes, difference < 0 ? -difference * 2 - 1 : difference * 2);
    pushInteger(bytes, sequence);
    previous = milliseconds;
  }
  return toBase64Url(bytes);
}

/** Null when the text is not a cursor of `partitions` partitions. */
export function decodeCursor(text: string, partitions: number): Position | null {
  const bytes = text.length > MAX_CURSOR_LENGTH ? null : fromBase64Url(text);
  if (bytes === null || bytes[0] !== FORMAT) return null;
  const epochEnd = 2 + (bytes[1] ?? 0);
  if (epochEnd > bytes.length) return null;
  const epoch = String.fromCharCode(...bytes.slice(2, epochEnd));
  const integers = readIntegers(bytes.slice(epochEnd));
  if (integers?.length !== partitions * 2) return null;
  const ids: string[] = [];
  let milliseconds = 0;
  for (let index = 0; index < integers.length; index += 2) {
    const zigzag = integers[index] ?? 0;
    milliseconds += zigzag % 2 === 1 ? -(zigzag + 1) / 2 : zigzag / 2;
    if (milliseconds < 0) return null;
    ids.push(`${milliseconds}-${integers[index + 1] ?? 0}`);
  }
  return { epoch, ids };
}

function pushInteger(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

function readIntegers(bytes: readonly number[]): number[] | null {
  const integers: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte % 0x80) * scale;
    scale *= 0x80;
    if (value > Number.MAX_SAFE_INTEGER) return null;
    if (byte < 0x80) {
      integers.push(value);
      value = 0;
      scale = 1;
    }
  }
  return scale === 1 ? integers : null;
}

function toBase64Url(bytes: readonly number[]): string {
  let text = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const group = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    const characters = Math.min(bytes.length - index, 3) + 1;
    for (let place = 0; place < characters; place += 1) text += ALPHABET[(group >> (18 - 6 * place)) & 63];
  }
  return text;
}

function fromBase64Url(text: string): number[] | null {
  if (text.length % 4 === 1) return null;
  const bytes: number[] = [];
  let group = 0;
  let bits = 0;
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return null;
    group = ((group << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((group >> bits) & 0xff);
    }
  }
  return bytes;
}
