import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { isUtf16 } from './utf16.ts';

/** A file is not text in UTF-8. The message contains nothing of its content. */
export class TextEncodingFault extends Error {
  override readonly name = 'TextEncodingFault';
  readonly code = 'not_utf8';
}

const utf8 = new TextDecoder('utf-8');

/**
 * The text of a file that a person or a tool wrote: UTF-8, with or without a byte order mark, which is removed. Rejects
 * as `readFile` does, or with a TextEncodingFault. If UTF-16 were read leniently, its faults would be reported at
 * useless places.
 */
export async function readText(path: string): Promise<string> {
  return decodeText(await readFile(path));
}

/** The same of bytes that were read elsewhere, as from a Secret. Throws a TextEncodingFault. */
export function decodeText(bytes: Buffer): string {
  if (isUtf16(bytes)) throw new TextEncodingFault('is UTF-16: save it as UTF-8');
  if (!isUtf8(bytes)) throw new TextEncodingFault('is not UTF-8: save it as UTF-8');
  return utf8.decode(bytes);
}

/** Why `readText` failed, for a sentence that begins with the path: `cannot be read (ENOENT)`. */
export function unreadable(error: unknown): string {
  if (error instanceof TextEncodingFault) return error.message;
  return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
}
