import { BEFORE_EVERYTHING, compareIds, splitId, type Position } from '../../protocol/position.ts';
import type { CallRecord } from '../../protocol/call.ts';
import { LogUnavailable, type EventLog } from '../../event-log/event-log.ts';
import { isTooOld } from '../../event-log/log-window.ts';
import { logEpoch } from '../../event-log/partition-state.ts';
import { FIRST_SLICE, type CallTable, type Slice, type TableAt } from './call-table.ts';
import type { LegEntry } from './leg-event.ts';
import { createPace, type Turn } from './pace.ts';
import { legEntriesOf, legsOf } from './reduce-entries.ts';
import { Legs } from './roll-forward.ts';

/** The accounts whose legs are requested. */
export interface Wanted {
  /** All of them when they are few; null: the accounts of the table are filtered. */
  readonly accounts: readonly string[] | null;
  readonly includes: (account: string) => boolean;
}

/** The live legs at one position of the log. */
export interface Snapshot {
  readonly position: Position;
  readonly records: SnapshotRecords;
}

/** Records that are decoded when they are read; `length` counts those of an unknown version too. */
export interface SnapshotRecords extends Iterable<CallRecord> {
  readonly length: number;
}

export interface SnapshotSource {
  readonly table: CallTable;
  readonly eventLog: Pick<EventLog, 'range' | 'state' | 'epoch' | 'partitions'>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The table cannot be read now: it is being built, or its keeper is behind. */
export class CallsUnavailable extends Error {
  override readonly name = 'CallsUnavailable';
  readonly code = 'calls_unavailable';
  readonly why: 'building' | 'behind' | 'moved' | 'busy' | 'log';

  constructor(why: CallsUnavailable['why'], options?: ErrorOptions) {
    super(`the table of live calls is not available: ${why}`, options);
    this.why = why;
  }
}

/** How far the table may be behind the log. */
const BEHIND_MS = 30_000;
const PAGE = 500;
/** Entries that are parsed without a look at the clock. */
const PARSED = 10;
/** A slice that takes longer than this waits for this process, and not for Redis. */
const SLOW_MS = 5;

/**
 * The legs of these accounts at one position, at `atLeast` or later. Nothing is locked: each partition is read in
 * slices, each true at a place of its own, and rolled forward by the entries in between. Rejects with CallsUnavailable.
 */
export async function readSnapshot(
  source: SnapshotSource,
  wanted: Wanted,
  atLeast: Position | null,
): Promise<Snapshot> {
  const { eventLog } = source;
  try {
    const partitions = Array.from({ length: eventLog.partitions }, (_, partition) => partition);
    const shared = { turn: createPace(), inLine: createLine() };
    const parts = await Promise.all(
      partitions.map((partition) =>
        readPart(source, { partition, wanted, atLeast: atLeast?.ids[partition] ?? null, ...shared }),
      ),
    );
    const isRolled = parts.some(({ began, id }) => began !== id);
    const state = isRolled ? await eventLog.state() : null;
    const epoch = state?.epoch ?? epochOfStreams(parts) ?? (await eventLog.epoch());
    // Slices and entries fit together only if they have the same epoch and no entry between them is lost. An epoch
    // never returns: if the tables' epoch is the same with or after the last read, it was in force during all of them.
    const epochs = [...parts.map((part) => part.epoch), atLeast?.epoch ?? epoch];
    if (epochs.some((one) => one !== epoch)) throw new CallsUnavailable('moved');
    if (state !== null && isTooOld({ epoch, ids: parts.map(({ began }) => began) }, state))
      throw new CallsUnavailable('moved');
    return {
      position: { epoch, ids: parts.map(({ id }) => id) },
      records: joined(parts.map(({ legs }) => legs)),
    };
  } catch (error) {
    if (error instanceof LogUnavailable) throw new CallsUnavailable('log', { cause: error });
    throw error;
  }
}

function joined(parts: readonly Legs[]): SnapshotRecords {
  const records = function* () {
    for (const legs of parts) yield* legs;
  };
  return { length: parts.reduce((sum, { length }) => sum + length, 0), [Symbol.iterator]: records };
}

/** The log's epoch, as the last slices found that of each stream; null where one has none. */
function epochOfStreams(parts: readonly Part[]): string | null {
  const epochs = parts.flatMap(({ streamEpoch }) => streamEpoch ?? []);
  return epochs.length < parts.length ? null : logEpoch(epochs);
}

/** One partition's part of a snapshot. */
interface Part {
  readonly epoch: string;
  /** That of the partition's stream at the last slice. */
  readonly streamEpoch: string | null;
  /** Where reading began, and where the records are true. */
  readonly began: string;
  readonly id: string;
  readonly legs: Legs;
}

interface PartAsked {
  readonly partition: number;
  readonly wanted: Wanted;
  readonly atLeast: string | null;
  readonly turn: Turn;
  readonly inLine: Line;
}

async function readPart(
  source: SnapshotSource,
  { partition, wanted, atLeast, turn, inLine }: PartAsked,
): Promise<Part> {
  const { table } = source;
  const listed = await list(table, partition, wanted);
  const { accounts } = listed;
  let { began } = listed;
  const legs = new Legs();
  let streamEpoch: string | null = null;
  let id = latestOf(atLeast, listed.at?.id ?? null);
  for (let place = accounts.length === 0 ? null : FIRST_SLICE; place !== null;) {
    const read = table.slice.bind(table, partition, accounts, place);
    // The first slices of all partitions are read by one exchange.
    const slice = await (place === FIRST_SLICE ? read() : inLine(read));
    const at = readable(slice?.at ?? null, began);
    began ??= at;
    if (compareIds(at.id, id) > 0) id = at.id;
    if (slice !== null) legs.add({ id: at.id, records: slice.records });
    streamEpoch = slice?.streamEpoch ?? null;
    place = slice?.next ?? null;
  }
  began ??= readable(await table.at(partition), null);
  id = latestOf(id, began.id);
  const entries = await entriesBetween(source, partition, { from: began.id, to: id });
  const ofThem = entries.filter(({ account }) => wanted.includes(account));
  const ended = await table.ended(partition, legsOf(ofThem));
  await refuseBehind(source, partition, id);
  for (let done = 0, until = 0; done < ofThem.length; done += PARSED) {
    if (performance.now() >= until) until = (await turn()) + performance.now();
    legs.apply(ofThem.slice(done, done + PARSED), ended);
  }
  return { epoch: began.epoch, streamEpoch, began: began.id, id, legs };
}

type Line = (read: () => Promise<Slice | null>) => Promise<Slice | null>;

/**
 * One slice after the other: Redis runs what one connection has sent in one go, and appended events would wait for the
 * slices of all partitions. In a busy process all at once, since each answer waits for its turn.
 */
function createLine(): Line {
  let last: Promise<unknown> = Promise.resolve();
  let tookMs = 0;
  const timed: Line = async (read) => {
    const from = performance.now();
    const slice = await read();
    tookMs = performance.now() - from;
    return slice;
  };
  return (read) => {
    if (tookMs > SLOW_MS) return timed(read);
    const slice = last.then(() => timed(read));
    last = slice.catch(() => undefined);
    return slice;
  };
}

interface Listed {
  readonly accounts: readonly string[];
  /** Where reading began; null: with the first slice. */
  readonly began: TableAt | null;
  /** A place at which the list was complete. */
  readonly at: TableAt | null;
}

/** The accounts to read. The accounts of the table are listed between two reads of its place. */
async function list(table: CallTable, partition: number, wanted: Wanted): Promise<Listed> {
  if (wanted.accounts !== null) return { accounts: wanted.accounts, began: null, at: null };
  const began = readable(await table.at(partition), null);
  const accounts = (await table.accounts(partition)).filter(wanted.includes);
  // An account that has left the list since `began` had its legs until some place before this one.
  return { accounts, began, at: readable(await table.at(partition), began) };
}

function latestOf(one: string | null, other: string | null): string {
  const [first, second] = [one ?? BEFORE_EVERYTHING, other ?? BEFORE_EVERYTHING];
  return compareIds(first, second) > 0 ? first : second;
}

/** Rejects when the table is not live, or no longer the one with which reading began. */
function readable(at: TableAt | null, began: TableAt | null): TableAt {
  if (at === null || at.phase !== 'live') throw new CallsUnavailable('building');
  if (began !== null && at.epoch !== began.epoch) throw new CallsUnavailable('moved');
  return at;
}

async function entriesBetween(
  { eventLog }: SnapshotSource,
  partition: number,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<LegEntry[]> {
  const found: LegEntry[] = [];
  for (let at = from; compareIds(at, to) < 0;) {
    const page = await eventLog.range(partition, at, PAGE);
    const last = page.at(-1);
    if (last === undefined) break;
    found.push(...legEntriesOf(page.filter(({ id }) => compareIds(id, to) <= 0)));
    at = last.id;
  }
  return found;
}

/** A keeper that hangs must not show old calls: the first entry that the table lacks must be recent. */
async function refuseBehind({ eventLog, now }: SnapshotSource, partition: number, id: string): Promise<void> {
  if (now() - splitId(id)[0] <= BEHIND_MS) return;
  const [unread] = await eventLog.range(partition, id, 1);
  if (unread !== undefined && now() - splitId(unread.id)[0] > BEHIND_MS) throw new CallsUnavailable('behind');
}
