import { isUtf8 } from 'node:buffer';
import { MAX_ENTRY_BYTES, objectFault, type ObjectFault } from '../protocol/event-object.ts';
import type { StoredEntry } from './event-log.ts';

export type PoisonReason = 'meta_line' | 'too_large' | 'not_utf8' | 'source_gap' | ObjectFault;

/**
 * Why an entry can be delivered to no connection, or null. One scan of its bytes without allocation, because any client
 * of Redis may have written it: once for each entry that is read, never for each delivery.
 */
export function poisonReason(entry: StoredEntry): PoisonReason | null {
  const { meta, data } = entry;
  if (!meta.startsWith('1\t') || meta.length < 4 || meta[2] === '\t') return 'meta_line';
  if (data.length > MAX_ENTRY_BYTES) return 'too_large';
  return isUtf8(data) ? objectFault(data) : 'not_utf8';
}
