import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { isUtf16 } from './utf16.ts';

/** A file holds no text in UTF-8. Nothing of its content is in the message. */
export class TextEncodingFault extends Error {
  override readonly name = 'TextEncodingFault';
  readonly code = 'not_utf8';
}

const utf8 = new TextDecoder('utf-8');

/**
 * The text of a file that a person or a tool wrote: UTF-8, with or without a byte order mark, which is no part of it.
 * Rejects as `readFile` does, or with a TextEncodingFault: read leniently, UTF-16 gives faults at places that nobody finds.
 */
export async function readText(path: string): Promise<string> {
  const bytes = await readFile(path);
  if (isUtf16(bytes)) throw new TextEncodingFault('is UTF-16: save it as UTF-8');
  if (!isUtf8(bytes)) throw new TextEncodingFault('is not UTF-8: save it as UTF-8');
  return utf8.decode(bytes);
}

/** Why `readText` failed, for a sentence that begins with the path: `cannot be read (ENOENT)`. */
export function unreadable(error: unknown): string {
  if (error instanceof TextEncodingFault) return error.message;
  return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
}
