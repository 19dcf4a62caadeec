import { legKey, type CallRecord } from '../../protocol/call.ts';
import { FIRST_SLICE, SLICE_LEGS, type CallTable, type SlicePlace, type TableAt } from './call-table.ts';
import type { LegChange } from './reduce-entries.ts';

/** One partition's table. */
interface Part {
  at: TableAt | null;
  readonly accounts: Map<string, Map<string, CallRecord>>;
}

/** The table of a process that keeps the log in its memory. It ends with the process, as that log does. */
export function createEmbeddedTable(partitions: number): CallTable {
  const parts = Array.from({ length: partitions }, (): Part => ({ at: null, accounts: new Map() }));
  const partOf = (partition: number): Part => parts[partition] ?? { at: null, accounts: new Map() };
  return {
    at: (partition) => Promise.resolve(partOf(partition).at),
    look(partition, at, legs) {
      const part = partOf(partition);
      if (!isSame(part.at, at)) return Promise.resolve(null);
      const known = legs.map((leg) => {
        const record = part.accounts.get(leg.account)?.get(leg.callId);
        return [legKey(leg), { record, endedAt: null }] as const;
      });
      return Promise.resolve(new Map(known));
    },
    ended: () => Promise.resolve(new Map()),
    write(partition, { from, to, changes }) {
      const part = partOf(partition);
      if (!isSame(part.at, from)) return Promise.resolve(false);
      part.at = to;
      for (const change of changes) apply(part, change);
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
      return Promise.resolve(part.at === null ? null : { at: part.at, ...sliceOf(part, accounts, from) });
    },
  };
}

function isSame(one: TableAt | null, other: TableAt | null): boolean {
  return one?.epoch === other?.epoch && one?.id === other?.id && one?.phase === other?.phase;
}

function apply({ accounts }: Part, { account, callId, record }: LegChange): void {
  const legs = accounts.get(account);
  if (record !== null) {
    if (legs === undefined) accounts.set(account, new Map([[callId, record]]));
    else legs.set(callId, record);
  } else if (legs?.delete(callId) === true && legs.size === 0) accounts.delete(account);
}

/** Whole accounts, as long as there is room: between two slices nothing else runs that could not wait for one. */
function sliceOf(
  part: Part,
  accounts: readonly string[],
  from: SlicePlace,
): { records: CallRecord[]; next: SlicePlace | null } {
  const records: CallRecord[] = [];
  for (let at = from.account; at < accounts.length; at += 1) {
    if (records.length >= SLICE_LEGS) return { records, next: { ...FIRST_SLICE, account: at } };
    records.push(...(part.accounts.get(accounts[at] ?? '')?.values() ?? []));
  }
  return { records, next: null };
}
