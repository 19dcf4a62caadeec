import { compareIds, previousId } from '../../protocol/position.ts';
import type { EventLog, LogState, StoredEntry } from '../../event-log/event-log.ts';
import type { CallTable, TableAt } from './call-table.ts';
import { createPace, type Turn } from './pace.ts';
import { legEntriesOf, legsOf, reduceEntries, type LegChange } from './reduce-entries.ts';

export interface AdvancePlace {
  readonly table: CallTable;
  readonly eventLog: Pick<EventLog, 'range' | 'state'>;
  readonly partition: number;
  /** The turn to parse events; default: the next one. */
  readonly turn?: Turn;
}

/** The outcome of one step of a table. */
export type Advanced =
  /** `entries` were applied to the table; `isMore`: more can be read now. */
  | {
      readonly kind: 'advanced';
      readonly at: TableAt;
      readonly entries: number;
      readonly isMore: boolean;
      readonly refusedLegs: number;
      /** The switch of a leg was lost. */
      readonly isUncertain: boolean;
    }
  /** The table starts anew, because the log no longer holds the entries after it. */
  | { readonly kind: 'begun'; readonly at: TableAt }
  /** The table is being emptied, or was just emptied. */
  | { readonly kind: 'emptied'; readonly at: TableAt }
  /** Another keeper has moved the table: nothing was written. */
  | { readonly kind: 'refused' };

/** Most entries of one step. */
export const ENTRIES = 500;
/** Entries that are parsed without a look at the clock. */
const PARSED = 10;

/**
 * One step of a partition's table towards the end of the log. `at` is the table's last known state, null when unknown.
 * `state`, if given, is compared with it even without a sign of a fault. Every write names the state that it starts
 * from, so a second keeper, a crash between two steps and a lost reply do no harm. Rejects with LogUnavailable.
 */
export async function advance(place: AdvancePlace, known: TableAt | null, state: LogState | null): Promise<Advanced> {
  const { table, eventLog, partition } = place;
  const at = known ?? (await table.at(partition));
  if (at === null) return beginAnew(place, null, await eventLog.state());
  if (at.phase === 'dropping') return empty(place, at);
  // As long as the entry itself exists, nothing after it was trimmed: it is read again together with the next ones.
  const page = await eventLog.range(partition, previousId(at.id), ENTRIES + 1);
  const isWhole = page[0]?.id === at.id;
  // An earlier state may lie behind the table; a present one may not.
  const fresh = isWhole ? null : await eventLog.state();
  const compared = fresh ?? state;
  if (compared !== null && !fits(at, compared, partition)) return beginAnew(place, at, compared);
  if (fresh !== null && compareIds(at.id, fresh.newest[partition] ?? '0-0') > 0) return beginAnew(place, at, fresh);
  return take(place, at, page.slice(isWhole ? 1 : 0, ENTRIES + 1));
}

/** Whether this log made the table, and holds everything after it. Pure. */
function fits(at: TableAt, state: LogState, partition: number): boolean {
  return at.epoch === state.epoch && compareIds(at.id, state.trimmed[partition] ?? '0-0') >= 0;
}

/**
 * The same by entries that were read earlier and directly follow the table at `at`. Null, and nothing is written, where
 * that may no longer be so: entries were trimmed or lost since then, or the table was moved. The caller then reads the
 * log. Trimming begins at the oldest entry: as long as that of `at` exists, no entry after it was missed.
 */
export async function advanceBy(
  place: AdvancePlace,
  { at, state }: { readonly at: TableAt; readonly state: LogState | null },
  entries: readonly StoredEntry[],
): Promise<Advanced | null> {
  if (state !== null && !fits(at, state, place.partition)) return null;
  const outcome = await take(place, at, entries, [at.id, entries.at(-1)?.id ?? at.id]);
  return outcome.kind === 'refused' ? null : outcome;
}

async function take(
  { table, partition, turn = createPace() }: AdvancePlace,
  at: TableAt,
  page: readonly StoredEntry[],
  holds: readonly string[] = [],
): Promise<Advanced> {
  const last = page.at(-1);
  const isMore = page.length >= ENTRIES;
  const id = last?.id ?? at.id;
  const isBuilt = at.phase === 'live' || !isMore || compareIds(id, at.until) >= 0;
  const to: TableAt = { ...at, id, phase: isBuilt ? 'live' : 'building' };
  if (last === undefined && to.phase === at.phase) return { kind: 'advanced', at, ...NOTHING };
  const entries = legEntriesOf(page);
  const changes = new Map<string, LegChange>();
  if (entries.length > 0) {
    const legs = await table.look(partition, at, legsOf(entries));
    if (legs === null) return { kind: 'refused' };
    for (let done = 0, until = 0; done < entries.length; done += PARSED) {
      if (performance.now() >= until) until = (await turn()) + performance.now();
      reduceEntries(entries.slice(done, done + PARSED), legs, changes);
    }
  }
  const written = await table.write(partition, { from: at, to, changes: changes.values(), holds });
  if (written === null) return { kind: 'refused' };
  const isUncertain = changes.values().some(({ record }) => record?.state === 'uncertain');
  return { kind: 'advanced', at: to, entries: page.length, isMore, ...written, isUncertain };
}

/** Of a step for which there is nothing to do. */
export const NOTHING = { entries: 0, isMore: false, refusedLegs: 0, isUncertain: false } as const;

async function beginAnew(
  { table, partition }: AdvancePlace,
  from: TableAt | null,
  { epoch, trimmed, newest }: LogState,
): Promise<Advanced> {
  const at: TableAt = {
    epoch,
    id: trimmed[partition] ?? '0-0',
    phase: 'dropping',
    until: newest[partition] ?? '0-0',
  };
  return (await table.begin(partition, from, at)) ? { kind: 'begun', at } : { kind: 'refused' };
}

async function empty({ table, partition }: AdvancePlace, at: TableAt): Promise<Advanced> {
  const isEmpty = await table.drop(partition, at);
  if (isEmpty === null) return { kind: 'refused' };
  if (!isEmpty) return { kind: 'emptied', at };
  const to: TableAt = { ...at, phase: 'building' };
  const isWritten = await table.write(partition, { from: at, to, changes: [] });
  return isWritten === null ? { kind: 'refused' } : { kind: 'emptied', at: to };
}
