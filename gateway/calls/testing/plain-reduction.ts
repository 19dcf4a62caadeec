import type { EventLog, StoredEntry } from '../../../event-log/event-log.ts';
import { legKey, type CallRecord } from '../../../protocol/call.ts';
import { BEFORE_EVERYTHING, compareIds, type Position } from '../../../protocol/position.ts';
import { legEntriesOf, reduceEntries, type KnownLeg } from '../reduce-entries.ts';

/** A snapshot: its position and its accounts. */
export interface TakenAt {
  readonly position: Position;
  readonly includes: (account: string) => boolean;
}

/** The whole log, partition by partition. */
export async function wholeLog(eventLog: EventLog): Promise<StoredEntry[][]> {
  return Promise.all(
    Array.from({ length: eventLog.partitions }, async (_, partition) => {
      const entries: StoredEntry[] = [];
      for (let page = await eventLog.range(partition, BEFORE_EVERYTHING, 1_000); page.length > 0;) {
        entries.push(...page);
        page = await eventLog.range(partition, page.at(-1)?.id ?? '', 1_000);
      }
      return entries;
    }),
  );
}

/** The result of a plain reduction of the log at the position of each snapshot, in their order. */
export function reduceAll(log: readonly (readonly StoredEntry[])[], taken: readonly TakenAt[]): CallRecord[][] {
  const expected = taken.map((): CallRecord[] => []);
  for (const [partition, entries] of log.entries()) {
    const idOf = (at: number) => taken[at]?.position.ids[partition] ?? BEFORE_EVERYTHING;
    const legs = new Map<string, KnownLeg>();
    let done = 0;
    for (const at of [...taken.keys()].sort((one, other) => compareIds(idOf(one), idOf(other)))) {
      const end = entries.findIndex(({ id }, index) => index >= done && compareIds(id, idOf(at)) > 0);
      const next = entries.slice(done, end < 0 ? entries.length : end);
      for (const [key, { record }] of reduceEntries(legEntriesOf(next), legs)) {
        if (record === null) legs.delete(key);
        else legs.set(key, { record, endedAt: null });
      }
      done += next.length;
      for (const { record } of legs.values()) {
        if (record !== undefined && taken[at]?.includes(record.account_id) === true) expected[at]?.push(record);
      }
    }
  }
  return expected;
}

/** By leg. */
export function byLeg(records: Iterable<CallRecord>): ReadonlyMap<string, CallRecord> {
  const keyOf = ({ account_id: account, call_id: callId }: CallRecord) => legKey({ account, callId });
  return new Map(Array.from(records, (record) => [keyOf(record), record]));
}
