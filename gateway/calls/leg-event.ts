import { changesCall, type LegEvent } from '../../protocol/call-state.ts';
import { isLeg } from '../../protocol/call.ts';
import { decodeMeta } from '../../protocol/entry.ts';
import { eventIdOf } from '../../protocol/event-meta.ts';
import { splitId } from '../../protocol/position.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { poisonReason } from '../../event-log/poison.ts';

/** The last millisecond of the year 9999, which is the last year of RFC 3339. */
const LAST_MS = 253_402_300_799_999;

/**
 * An entry as an event of a leg; null when it is not one, or breaks the format and is therefore not delivered. Its time
 * is that of its id, which the log made: a producer cannot set it.
 */
export function legEventOf(entry: StoredEntry): LegEvent | null {
  const meta = decodeMeta(entry.meta);
  if (meta === null || !isLeg(meta)) return null;
  if (changesCall(meta.name) && poisonReason(entry) !== null) return null;
  return {
    name: meta.name,
    account: meta.account,
    callId: meta.callId,
    eventId: eventIdOf(meta, entry.partition, entry.id),
    at: Math.min(splitId(entry.id)[0], LAST_MS),
    fields: () => fieldsOf(entry.data),
  };
}

function fieldsOf(data: Buffer): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(data.toString()) as Record<string, unknown>;
  } catch {
    // The scan found it well-formed. If the parser disagrees, the event has no data of the leg.
    return {};
  }
}
