import { reduceCall, type LegEvent } from '../../protocol/call-state.ts';
import { legKey, type CallRecord, type LegName } from '../../protocol/call.ts';
import { compareIds } from '../../protocol/position.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { legEventOf } from './leg-event.ts';

/** An entry that belongs to a leg. */
export interface LegEntry {
  readonly id: string;
  readonly event: LegEvent;
}

/** Knowledge about a leg before the entries. */
export interface KnownLeg {
  /** Undefined for a leg that is not in the table. */
  readonly record: CallRecord | undefined;
  /** Entry id of the leg's synthetic end, or null: later events of the switch do not revive the leg. */
  readonly endedAt: string | null;
}

/** A leg whose record is to be written, or null: removed. */
export interface LegChange extends LegName {
  readonly record: CallRecord | null;
}

export function legEntriesOf(entries: readonly StoredEntry[]): LegEntry[] {
  const found: LegEntry[] = [];
  for (const entry of entries) {
    const event = legEventOf(entry);
    if (event !== null) found.push({ id: entry.id, event });
  }
  return found;
}

/** A leg whose record is requested; `ends`: also its synthetic end, although it has a record. */
export interface LegQuery extends LegName {
  readonly ends: boolean;
}

/** The legs of the entries, each once. */
export function legsOf(entries: readonly LegEntry[]): LegQuery[] {
  const legs = new Map<string, { account: string; callId: string; ends: boolean }>();
  for (const { event } of entries) {
    const { account, callId } = event;
    const key = legKey(event);
    const leg = legs.get(key) ?? { account, callId, ends: false };
    if (event.name === 'CHANNEL_DESTROY') leg.ends = true;
    legs.set(key, leg);
  }
  return [...legs.values()];
}

/**
 * The changes that the entries make, by `legKey`. Pure. `known` is by `legKey` too; a leg that it lacks is not in the
 * table.
 */
export function reduceEntries(
  entries: readonly LegEntry[],
  known: ReadonlyMap<string, KnownLeg>,
): ReadonlyMap<string, LegChange> {
  const changes = new Map<string, LegChange>();
  for (const { id, event } of entries) {
    const { account, callId } = event;
    const key = legKey(event);
    const { record, endedAt = null } = known.get(key) ?? {};
    const change = changes.get(key);
    const before = change === undefined ? record : (change.record ?? undefined);
    if (before === undefined && endedAt !== null && compareIds(id, endedAt) > 0) continue;
    const after = reduceCall(before, event);
    if (after !== undefined) changes.set(key, { account, callId, record: after });
  }
  return changes;
}
