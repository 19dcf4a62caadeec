import { isUtf8 } from 'node:buffer';
import { META_KEY } from '../protocol/event-meta.ts';
import { MAX_ENTRY_BYTES, MAX_EVENT_DEPTH, objectFault, type ObjectFault } from '../protocol/event-object.ts';
import type { StoredEntry } from './event-log.ts';

export type PoisonReason = 'meta_line' | 'too_large' | 'not_utf8' | 'source_gap' | ObjectFault;

/**
 * Why an entry can be delivered to no connection, or null. One scan of its bytes without allocation, because any client
 * of Redis may have written it: once for each entry that is read, never for each delivery.
 */
export function poisonReason(entry: StoredEntry): PoisonReason | null {
  const { meta, data } = entry;
  if (!isMetaLine(meta)) return 'meta_line';
  if (data.length > MAX_ENTRY_BYTES) return 'too_large';
  return isUtf8(data) ? objectFault(data) : 'not_utf8';
}

/**
 * The event of an entry, for who needs it parsed: null where `poisonReason` has a reason, and nowhere else. One parse takes half of the
 * time of a scan and a parse.
 */
export function parsedEvent({ meta, data }: StoredEntry): Readonly<Record<string, unknown>> | null {
  if (!isMetaLine(meta) || data.length > MAX_ENTRY_BYTES || !isUtf8(data)) return null;
  let value: unknown;
  try {
    value = JSON.parse(data.toString());
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return Object.hasOwn(value, META_KEY) || isDeeper(value, MAX_EVENT_DEPTH) ? null : (value as Record<string, unknown>);
}

function isMetaLine(meta: string): boolean {
  return meta.startsWith('1\t') && meta.length >= 4 && meta[2] !== '\t';
}

/** Whether a container holds others so that more than `levels` are within each other, itself among them. */
function isDeeper(container: object, levels: number): boolean {
  if (levels === 0) return true;
  for (const value of Object.values(container)) {
    if (typeof value === 'object' && value !== null && isDeeper(value as object, levels - 1)) return true;
  }
  return false;
}
