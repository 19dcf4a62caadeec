import { changesCall, type LegEvent } from '../../protocol/call-state.ts';
import { isLeg } from '../../protocol/call.ts';
import { decodeMeta } from '../../protocol/entry.ts';
import { eventIdOf } from '../../protocol/event-meta.ts';
import { splitId } from '../../protocol/position.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { parsedEvent } from '../../event-log/poison.ts';

/** The last millisecond of the year 9999, which is the last year of RFC 3339. */
const LAST_MS = 253_402_300_799_999;

/**
 * An entry as an event of a leg; null when it is not one, or breaks the format and is therefore not delivered. Its time
 * is that of its id, which the log made: a producer cannot set it.
 */
export function legEventOf(entry: StoredEntry): LegEvent | null {
  const meta = decodeMeta(entry.meta);
  if (meta === null || !isLeg(meta)) return null;
  const fields = changesCall(meta.name) ? parsedEvent(entry) : NOT_READ;
  if (fields === null) return null;
  return {
    name: meta.name,
    account: meta.account,
    callId: meta.callId,
    eventId: eventIdOf(meta, entry.partition, entry.id),
    at: Math.min(splitId(entry.id)[0], LAST_MS),
    fields,
  };
}

/** The fields of events that do not change a leg. */
const NOT_READ = {};
