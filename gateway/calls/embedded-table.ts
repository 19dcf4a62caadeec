import type { EndingLog } from '../../event-log/late-end.ts';
import { legKey, type CallRecord, type LegName } from '../../protocol/call.ts';
import {
  FIRST_SLICE,
  LEGS_PER_ACCOUNT,
  SLICE_LEGS,
  type CallTable,
  type EndOutcome,
  type LegEnd,
  type Slice,
  type SlicePlace,
  type TableAt,
} from './call-table.ts';
import type { LegChange } from './reduce-entries.ts';
import { plainRecords } from './slice-records.ts';

/** One partition's table. */
interface Part {
  at: TableAt | null;
  readonly accounts: Map<string, Map<string, CallRecord>>;
}

/** The table of a process with the embedded log, in memory. It ends with the process, as that log does. */
export function createEmbeddedTable(partitions: number, log: EndingLog, legsPerAccount = LEGS_PER_ACCOUNT): CallTable {
  const share = Math.ceil(legsPerAccount / partitions);
  const parts = Array.from({ length: partitions }, (): Part => ({ at: null, accounts: new Map() }));
  const partOf = (partition: number): Part => parts[partition] ?? { at: null, accounts: new Map() };
  return {
    at: (partition) => Promise.resolve(partOf(partition).at),
    look(partition, at, legs) {
      const part = partOf(partition);
      if (!isSame(part.at, at)) return Promise.resolve(null);
      const known = legs.map((leg) => {
        const record = part.accounts.get(leg.account)?.get(leg.callId);
        return [legKey(leg), { record, endedAt: log.givenEnd(leg)?.id ?? null }] as const;
      });
      return Promise.resolve(new Map(known));
    },
    ended: (_partition, legs) => Promise.resolve(endsOf(log, legs)),
    write(partition, { from, to, changes, holds = [] }) {
      const part = partOf(partition);
      if (!isSame(part.at, from)) return Promise.resolve(null);
      if (!holds.every((id) => log.holds(partition, id))) return Promise.resolve(null);
      part.at = to;
      let refusedLegs = 0;
      for (const change of changes) if (!apply(part, change, share)) refusedLegs += 1;
      return Promise.resolve({ refusedLegs });
    },
    end: (partition, end) => Promise.resolve(endLeg(partOf(partition), log, end)),
    touch: () => Promise.resolve(),
    idleMs: (partition) => Promise.resolve(partOf(partition).at === null ? null : 0),
    forget(partition, at) {
      const part = partOf(partition);
      if (!isSame(part.at, at)) return Promise.resolve(false);
      part.at = null;
      return Promise.resolve(true);
    },
    begin(partition, from, at) {
      const part = partOf(partition);
      if (!isSame(part.at, from)) return Promise.resolve(false);
      part.at = at;
      return Promise.resolve(true);
    },
    drop(partition, at) {
      const part = partOf(partition);
      if (!isSame(part.at, at)) return Promise.resolve(null);
      part.accounts.clear();
      return Promise.resolve(true);
    },
    accounts: (partition) => Promise.resolve([...partOf(partition).accounts.keys()]),
    slice(partition, accounts, from) {
      const part = partOf(partition);
      const slice = part.at && { at: part.at, streamEpoch: null, ...sliceOf(part, accounts, from) };
      return Promise.resolve(slice);
    },
  };
}

function endsOf(log: EndingLog, legs: readonly LegName[]): ReadonlyMap<string, string> {
  const given = legs.flatMap((leg) => {
    const end = log.givenEnd(leg);
    return end === null ? [] : [[legKey(leg), end.id] as const];
  });
  return new Map(given);
}

function endLeg(part: Part, log: EndingLog, { at, record, event, notBefore, lateEnd }: LegEnd): EndOutcome {
  if (part.at?.phase !== 'live' || part.at.epoch !== at.epoch || Date.now() < notBefore) return 'later';
  const isAsFound = part.accounts.get(record.account_id)?.get(record.call_id) === record;
  if (!isAsFound || log.givenEnd(event) !== null) return 'not';
  return log.end(event, { afterId: part.at.id, lateEnd }) === null ? 'later' : 'ended';
}

function isSame(one: TableAt | null, other: TableAt | null): boolean {
  return one?.epoch === other?.epoch && one?.id === other?.id && one?.phase === other?.phase;
}

/** False when the leg was left out. */
function apply({ accounts }: Part, { account, callId, record }: LegChange, most: number): boolean {
  const legs = accounts.get(account);
  if (record === null) {
    if (legs?.delete(callId) === true && legs.size === 0) accounts.delete(account);
    return true;
  }
  if (legs === undefined) accounts.set(account, new Map([[callId, record]]));
  else if (legs.size < most || legs.has(callId)) legs.set(callId, record);
  else return false;
  return true;
}

/** Adds whole accounts as long as there is room: other work of the process can wait for one slice. */
function sliceOf(part: Part, accounts: readonly string[], from: SlicePlace): Pick<Slice, 'records' | 'next'> {
  const records: CallRecord[] = [];
  for (let at = from.account; at < accounts.length; at += 1) {
    if (records.length >= SLICE_LEGS) return { records: plainRecords(records), next: { ...FIRST_SLICE, account: at } };
    records.push(...(part.accounts.get(accounts[at] ?? '')?.values() ?? []));
  }
  return { records: plainRecords(records), next: null };
}
