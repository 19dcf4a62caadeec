import { compareIds, previousId } from '../../protocol/position.ts';
import type { EventLog, LogState, StoredEntry } from '../../event-log/event-log.ts';
import type { CallTable, TableAt } from './call-table.ts';
import { legEntriesOf, legsOf, reduceEntries, type LegChange } from './reduce-entries.ts';

export interface AdvancePlace {
  readonly table: CallTable;
  readonly eventLog: Pick<EventLog, 'range' | 'state'>;
  readonly partition: number;
}

/** What one step made of the table. */
export type Advanced =
  /** `entries` were taken into the table; `isMore`: there are more to read now. */
  | {
      readonly kind: 'advanced';
      readonly at: TableAt;
      readonly entries: number;
      readonly isMore: boolean;
      readonly refusedLegs: number;
      /** A leg's switch was lost. */
      readonly isUncertain: boolean;
    }
  /** The table is begun anew, since the log no longer holds what it lacks. */
  | { readonly kind: 'begun'; readonly at: TableAt }
  /** It is being emptied, or was just emptied. */
  | { readonly kind: 'emptied'; readonly at: TableAt }
  /** Another keeper has moved it: nothing was written. */
  | { readonly kind: 'refused' };

/** Entries that a step reads at most. */
const ENTRIES = 500;

/**
 * One step of a partition's table towards the end of the log. `at` is where the table was last found, null when that is not
 * known. `state` is compared with it although nothing seems wrong, where it is given. Every write says from where it was
 * made, so a second keeper, a crash between two steps and a lost reply do no harm. Rejects with LogUnavailable.
 */
export async function advance(place: AdvancePlace, known: TableAt | null, state: LogState | null): Promise<Advanced> {
  const { table, eventLog, partition } = place;
  const at = known ?? (await table.at(partition));
  if (at === null) return beginAnew(place, null, await eventLog.state());
  if (at.phase === 'dropping') return empty(place, at);
  // Nothing after an entry was trimmed as long as the entry itself is there: it is read again with those that follow.
  const page = await eventLog.range(partition, previousId(at.id), ENTRIES + 1);
  const isWhole = page[0]?.id === at.id;
  // A state of before may lie behind the table; one of now may not.
  const fresh = isWhole ? null : await eventLog.state();
  const compared = fresh ?? state;
  if (compared !== null && !fits(at, compared, partition)) return beginAnew(place, at, compared);
  if (fresh !== null && compareIds(at.id, fresh.newest[partition] ?? '0-0') > 0) return beginAnew(place, at, fresh);
  return take(place, at, page.slice(isWhole ? 1 : 0, ENTRIES + 1));
}

/** Whether the log holds everything after the table, and is the one that made it. Pure. */
function fits(at: TableAt, state: LogState, partition: number): boolean {
  return at.epoch === state.epoch && compareIds(at.id, state.trimmed[partition] ?? '0-0') >= 0;
}

async function take({ table, partition }: AdvancePlace, at: TableAt, page: readonly StoredEntry[]): Promise<Advanced> {
  const last = page.at(-1);
  const isMore = page.length >= ENTRIES;
  const id = last?.id ?? at.id;
  const isBuilt = at.phase === 'live' || !isMore || compareIds(id, at.until) >= 0;
  const to: TableAt = { ...at, id, phase: isBuilt ? 'live' : 'building' };
  if (last === undefined && to.phase === at.phase) return { kind: 'advanced', at, ...NOTHING };
  const entries = legEntriesOf(page);
  let changes: readonly LegChange[] = [];
  if (entries.length > 0) {
    const legs = await table.look(partition, at, legsOf(entries));
    if (legs === null) return { kind: 'refused' };
    changes = [...reduceEntries(entries, legs).values()];
  }
  const written = await table.write(partition, { from: at, to, changes });
  if (written === null) return { kind: 'refused' };
  const isUncertain = changes.some(({ record }) => record?.state === 'uncertain');
  return { kind: 'advanced', at: to, entries: page.length, isMore, ...written, isUncertain };
}

const NOTHING = { entries: 0, isMore: false, refusedLegs: 0, isUncertain: false } as const;

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
