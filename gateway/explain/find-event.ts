import type { EventLog, LogState, StoredEntry } from '../../event-log/event-log.ts';
import { poisonReason } from '../../event-log/poison.ts';
import { decodeMeta } from '../../protocol/entry.ts';
import { eventIdOf, eventMetaOf } from '../../protocol/event-meta.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { compareIds, lastIdOf, previousId, splitId, type Position } from '../../protocol/position.ts';
import type { FoundEvent, Search } from './look.ts';

/** Known data of the searched event. */
export interface Sought {
  /** Its id, or its place `<partition>:<entry id>`. */
  readonly event: string;
  readonly callId: string | null;
  /** A cursor that was received with it. */
  readonly position: Position | null;
  /** About when it was ingested, Unix milliseconds: the search begins a minute later; null: at the newest event. */
  readonly at: number | null;
  /** Entries that do not count. */
  readonly isMeant: (event: FoundEvent) => boolean;
}

/** Entries and milliseconds after which a search stops. */
export interface SearchBudget {
  readonly entries: number;
  readonly ms: number;
}

const PLACE = /^(\d{1,2}):(\d{1,16}-\d{1,16})$/;
const PAGE = 1_000;
/** Searched from the newest end, one page after the other: a requested event is usually recent. */
const WINDOWS_MS = [5_000, 30_000, 120_000, 600_000, 3_600_000, 6 * 3_600_000, 86_400_000, Number.POSITIVE_INFINITY];

/** The search begins this long after the named time, because clocks differ and events take time to arrive. */
const AROUND_MS = 60_000;

/** Finds an event by its place, its cursor, or a search from the newest end. Rejects with LogUnavailable. */
export async function findEvent(log: EventLog, sought: Sought, budget: SearchBudget): Promise<Search> {
  const state = await log.state();
  const found = (await byPlace(log, state, sought)) ?? (await byCursor(log, state, sought));
  if (found !== null) return found;
  return bySearch(log, state, sought, budget);
}

/** Null when the id is not a place, or another event is at the place. */
async function byPlace(log: EventLog, state: LogState, sought: Sought): Promise<Search | null> {
  const [, partition = '', id = ''] = PLACE.exec(sought.event) ?? [];
  if (id === '' || Number(partition) >= log.partitions) return null;
  const event = await at(log, state, { partition: Number(partition), id });
  if (event !== null) return sought.isMeant(event) ? { kind: 'found', event } : null;
  const isTrimmed = compareIds(id, state.trimmed[Number(partition)] ?? '0-0') <= 0;
  return isTrimmed ? { kind: 'trimmed' } : null;
}

/** The cursor of an event names its entry, among the last ones of the other partitions. */
async function byCursor(log: EventLog, state: LogState, sought: Sought): Promise<Search | null> {
  const { position } = sought;
  if (position === null || position.epoch !== state.epoch) return null;
  const events = await Promise.all(position.ids.map((id, partition) => at(log, state, { partition, id })));
  const event = events.find((one) => one !== null && one.id === sought.event && sought.isMeant(one)) ?? null;
  return event === null ? null : { kind: 'found', event };
}

async function at(
  log: EventLog,
  state: LogState,
  place: { partition: number; id: string },
): Promise<FoundEvent | null> {
  const [entry] = await log.range(place.partition, previousId(place.id), 1);
  return entry?.id === place.id ? eventOf(entry, state) : null;
}

async function bySearch(log: EventLog, state: LogState, sought: Sought, budget: SearchBudget): Promise<Search> {
  const { callId } = sought;
  const partitions =
    callId === null
      ? state.newest.map((_, partition) => partition)
      : [partitionOf({ callId, account: '' }, log.partitions)];
  const newest = Math.max(0, ...state.newest.map((id) => splitId(id)[0]));
  const until = performance.now() + budget.ms;
  let left = budget.entries;
  for (const { begin, end } of stretchesOf(newest, sought.at)) {
    for (const partition of partitions) {
      const looked = await lookThrough(log, state, { partition, begin, end, sought, left, until });
      left -= looked.entries;
      if (looked.event !== null) return { kind: 'found', event: looked.event };
      if (left <= 0 || performance.now() > until)
        return { kind: 'gave_up', at: end === Number.POSITIVE_INFINITY ? newest : end };
    }
  }
  const oldest = state.oldest.filter((id) => id !== '0-0').map((id) => splitId(id)[0]);
  return { kind: 'absent', oldestAt: oldest.length === 0 ? null : Math.min(...oldest) };
}

/** From the newest end, or from about the named time, back to the oldest entry; then what is newer than that time. */
function* stretchesOf(newest: number, at: number | null): Generator<{ readonly begin: number; readonly end: number }> {
  const last = at === null ? newest : Math.min(newest, at + AROUND_MS);
  let end = last < newest ? last : Number.POSITIVE_INFINITY;
  for (const window of WINDOWS_MS) {
    const begin = Math.max(0, last - window);
    yield { begin, end };
    if (begin === 0) break;
    end = begin;
  }
  if (last < newest) yield { begin: last, end: Number.POSITIVE_INFINITY };
}

interface Stretch {
  readonly partition: number;
  /** Unix milliseconds: from the first, before the second. */
  readonly begin: number;
  readonly end: number;
  readonly sought: Sought;
  readonly left: number;
  readonly until: number;
}

async function lookThrough(log: EventLog, state: LogState, stretch: Stretch) {
  const { partition, begin, end, sought, left, until } = stretch;
  let after = begin === 0 ? '0-0' : lastIdOf(begin - 1);
  let entries = 0;
  while (entries < left && performance.now() <= until) {
    const page = await log.range(partition, after, PAGE);
    for (const entry of page) {
      if (splitId(entry.id)[0] >= end) return { entries, event: null };
      entries += 1;
      const event = matching(entry, state, sought);
      if (event !== null) return { entries, event };
    }
    if (page.length < PAGE) return { entries, event: null };
    after = page.at(-1)?.id ?? after;
  }
  return { entries, event: null };
}

/** The line is compared before it is decoded: most belong to other events. */
function matching(entry: StoredEntry, state: LogState, { event: id, callId, isMeant }: Sought): FoundEvent | null {
  if (!entry.meta.includes(id)) return null;
  const event = eventOf(entry, state);
  if (event === null || event.id !== id || (callId !== null && event.callId !== callId)) return null;
  return isMeant(event) ? event : null;
}

function eventOf(entry: StoredEntry, { epoch }: LogState): FoundEvent | null {
  const { partition, id, meta } = entry;
  const decoded = decodeMeta(meta);
  const eventId = eventIdOf(decoded, partition, id);
  const { ingested_at } = eventMetaOf(decoded, { eventId, entryId: id, cursor: '' });
  return {
    id: eventId,
    name: decoded?.name ?? '',
    account: decoded?.account ?? '',
    callId: decoded?.callId ?? '',
    place: { epoch, partition, id },
    ingestedAt: ingested_at,
    poison: poisonReason(entry),
  };
}
