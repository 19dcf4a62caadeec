import { changesCall, type LegEvent } from '../../protocol/call-state.ts';
import { isLeg, legKey, type LegName } from '../../protocol/call.ts';
import { decodeMeta, type EntryMeta } from '../../protocol/entry.ts';
import { eventIdOf } from '../../protocol/event-meta.ts';
import { splitId } from '../../protocol/position.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { parsedEvent } from '../../event-log/poison.ts';

/** An entry that belongs to a leg. */
export interface LegEntry extends LegName {
  readonly id: string;
  /** `legKey` of its leg. */
  readonly key: string;
  readonly name: string;
  /** When the log got it, Unix milliseconds: its id says so, which no producer can set. */
  readonly at: number;
  /** Parses the event, which is most of the cost of an entry. Null when it breaks the format and is not delivered. */
  read(): LegEvent | null;
}

/** The last millisecond of the year 9999, which is the last year of RFC 3339. */
const LAST_MS = 253_402_300_799_999;

/** Null for an entry that belongs to no leg. */
export function legEntryOf(entry: StoredEntry): LegEntry | null {
  const meta = decodeMeta(entry.meta);
  if (meta === null || !isLeg(meta)) return null;
  const { name, account, callId } = meta;
  const at = Math.min(splitId(entry.id)[0], LAST_MS);
  return { id: entry.id, key: legKey(meta), name, account, callId, at, read: () => legEventOf(entry, meta, at) };
}

function legEventOf(entry: StoredEntry, meta: EntryMeta, at: number): LegEvent | null {
  const { name, account, callId } = meta;
  const fields = changesCall(name) ? parsedEvent(entry) : NOT_READ;
  return fields && { name, account, callId, eventId: eventIdOf(meta, entry.partition, entry.id), at, fields };
}

/** The fields of events that do not change a leg. */
const NOT_READ = {};
