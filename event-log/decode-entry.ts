import { DATA_FIELD, META_FIELD } from '../protocol/entry.ts';
import type { StoredEntry } from './event-log.ts';

/** A stream entry in a reply of Redis: id, then field, value, field, value. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]];

const META = META_FIELD.charCodeAt(0);
const DATA = DATA_FIELD.charCodeAt(0);
const NOTHING = Buffer.alloc(0);

/**
 * Accepts fields in any order and ignores others, because any client may XADD. Without both fields the meta is empty,
 * and the caller treats the entry as poison. This runs for each event that is read: only the entry is allocated.
 */
export function decodeEntry(partition: number, raw: RawEntry): StoredEntry {
  const fields = raw[1];
  let meta: Buffer | undefined;
  let data: Buffer | undefined;
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const field = fields[index];
    if (field?.length !== 1) continue;
    if (field[0] === META) meta ??= fields[index + 1];
    else if (field[0] === DATA) data ??= fields[index + 1];
  }
  return {
    partition,
    id: raw[0].toString('latin1'),
    meta: meta === undefined || data === undefined ? '' : meta.toString(),
    data: data ?? NOTHING,
  };
}
