import { BEFORE_EVERYTHING, compareIds, splitId, type Position } from '../../protocol/position.ts';
import type { CallRecord } from '../../protocol/call.ts';
import { LogUnavailable, type EventLog } from '../../event-log/event-log.ts';
import { isTooOld } from '../../event-log/log-window.ts';
import { logEpoch } from '../../event-log/partition-state.ts';
import { FIRST_SLICE, type CallTable, type TableAt } from './call-table.ts';
import { legEntriesOf, legsOf, type LegEntry } from './reduce-entries.ts';
import { rollForward, type SliceRead } from './roll-forward.ts';

/** The accounts whose legs are requested. */
export interface Wanted {
  /** All of them when they are few; null: the accounts of the table are filtered. */
  readonly accounts: readonly string[] | null;
  readonly includes: (account: string) => boolean;
}

/** The live legs at one position of the log. */
export interface Snapshot {
  readonly position: Position;
  readonly records: readonly CallRecord[];
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
    const parts = await Promise.all(
      partitions.map((partition) => readPart(source, { partition, wanted, atLeast: atLeast?.ids[partition] ?? null })),
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
      records: parts.flatMap(({ records }) => records),
    };
  } catch (error) {
    if (error instanceof LogUnavailable) throw new CallsUnavailable('log', { cause: error });
    throw error;
  }
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
  readonly records: readonly CallRecord[];
}

interface PartAsked {
  readonly partition: number;
  readonly wanted: Wanted;
  readonly atLeast: string | null;
}

async function readPart(source: SnapshotSource, { partition, wanted, atLeast }: PartAsked): Promise<Part> {
  const { table } = source;
  const listed = await list(table, partition, wanted);
  const { accounts } = listed;
  let { began } = listed;
  const slices: SliceRead[] = [];
  let streamEpoch: string | null = null;
  let id = latestOf(atLeast, listed.at?.id ?? null);
  for (let place = accounts.length === 0 ? null : FIRST_SLICE; place !== null;) {
    const slice = await table.slice(partition, accounts, place);
    const at = readable(slice?.at ?? null, began);
    began ??= at;
    if (compareIds(at.id, id) > 0) id = at.id;
    slices.push({ id: at.id, records: slice?.records ?? [] });
    streamEpoch = slice?.streamEpoch ?? null;
    place = slice?.next ?? null;
  }
  began ??= readable(await table.at(partition), null);
  id = latestOf(id, began.id);
  const entries = await entriesBetween(source, partition, { from: began.id, to: id });
  const ofThem = entries.filter(({ event }) => wanted.includes(event.account));
  const ended = await table.ended(partition, legsOf(ofThem));
  await refuseBehind(source, partition, id);
  const records = rollForward({ slices, entries: ofThem, ended });
  return { epoch: began.epoch, streamEpoch, began: began.id, id, records };
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
