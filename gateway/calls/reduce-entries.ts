import { changesNothing, reduceCall } from '../../protocol/call-state.ts';
import type { CallRecord, LegName } from '../../protocol/call.ts';
import { compareIds } from '../../protocol/position.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { legEntryOf, type LegEntry } from './leg-event.ts';

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
    const one = legEntryOf(entry);
    if (one !== null) found.push(one);
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
  for (const entry of entries) {
    const { key, name, account, callId } = entry;
    const leg = legs.get(key);
    if (leg === undefined) legs.set(key, { account, callId, ends: name === 'CHANNEL_DESTROY' });
    else if (name === 'CHANNEL_DESTROY') leg.ends = true;
  }
  return [...legs.values()];
}

/**
 * Adds the changes that the entries make to those of the entries before them, by `legKey`. `known` is by `legKey` too;
 * a leg that it lacks is not in the table. Each event is parsed when it is applied, and dropped: events of a whole batch
 * would outlive the young generation.
 */
export function reduceEntries(
  entries: readonly LegEntry[],
  known: ReadonlyMap<string, KnownLeg>,
  changes = new Map<string, LegChange>(),
): ReadonlyMap<string, LegChange> {
  for (const entry of entries) {
    const { key } = entry;
    const { record, endedAt } = known.get(key) ?? NOT_KNOWN;
    const change = changes.get(key);
    const before = change === undefined ? record : (change.record ?? undefined);
    if (before === undefined && endedAt !== null && compareIds(entry.id, endedAt) > 0) continue;
    if (changesNothing(before, entry)) continue;
    const event = entry.read();
    const after = event === null ? undefined : reduceCall(before, event);
    const { account, callId } = entry;
    if (after !== undefined) changes.set(key, { account, callId, record: after });
  }
  return changes;
}

const NOT_KNOWN: KnownLeg = { record: undefined, endedAt: null };
