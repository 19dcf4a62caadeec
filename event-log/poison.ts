import { isUtf8 } from 'node:buffer';
import type { StoredEntry } from './event-log.ts';

const OPEN = 0x7b;
const CLOSE = 0x7d;
/** Ingest takes 64 KiB; what is put into the log by hand may be larger, but not without end. */
const MAX_EVENT_BYTES = 1024 * 1024;
const RESERVED = Buffer.from('"_firehose"');

export type PoisonReason = 'meta_line' | 'too_large' | 'not_an_object' | 'not_utf8' | 'reserved_key';

/**
 * Why an entry can be delivered to nobody, or null. An entry is not parsed for this but for the rare one that holds
 * the reserved key's text somewhere, to see whether it is at the top level.
 */
export function poisonReason(entry: StoredEntry): PoisonReason | null {
  const { meta, data } = entry;
  if (!meta.startsWith('1\t') || meta.length < 4) return 'meta_line';
  if (data.length > MAX_EVENT_BYTES) return 'too_large';
  if (data.length < 2 || data[0] !== OPEN || data[data.length - 1] !== CLOSE) return 'not_an_object';
  if (!isUtf8(data)) return 'not_utf8';
  return data.includes(RESERVED) && hasReservedKey(data) ? 'reserved_key' : null;
}

function hasReservedKey(data: Buffer): boolean {
  try {
    return Object.hasOwn(JSON.parse(data.toString('utf8')) as object, '_firehose');
  } catch {
    // Not JSON at all: a plain client must not get it either.
    return true;
  }
}
