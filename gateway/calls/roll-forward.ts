import { reduceCall } from '../../protocol/call-state.ts';
import { legKey, type CallRecord } from '../../protocol/call.ts';
import { BEFORE_EVERYTHING, compareIds } from '../../protocol/position.ts';
import type { LegEntry } from './reduce-entries.ts';

/** Records of one slice, and the entry up to which they are true. */
export interface SliceRead {
  readonly id: string;
  readonly records: readonly CallRecord[];
}

export interface RollForward {
  readonly slices: readonly SliceRead[];
  /** The entries from the place where reading began to the place at which the snapshot is true. */
  readonly entries: readonly LegEntry[];
  /** Entry ids of synthetic ends, by `legKey`. */
  readonly ended: ReadonlyMap<string, string>;
}

/**
 * Combines slices, each read at another place, into the legs at one place. Pure. A leg of a slice gets the entries
 * after that slice. A leg of no slice gets all of the entries, from nothing: it began after the start of reading, or
 * had ended when its slice was read, and then its end is among the entries.
 */
export function rollForward({ slices, entries, ended }: RollForward): readonly CallRecord[] {
  const [only, ...others] = slices;
  if (only !== undefined && others.length === 0 && entries.length === 0) return only.records;
  const legs = new Map<string, { record: CallRecord | undefined; id: string }>();
  for (const { id, records } of slices) {
    for (const record of records) {
      legs.set(legKey({ account: record.account_id, callId: record.call_id }), { record, id });
    }
  }
  for (const { id, event } of entries) {
    const key = legKey(event);
    const { record, id: readAt } = legs.get(key) ?? { record: undefined, id: BEFORE_EVERYTHING };
    if (compareIds(id, readAt) <= 0) continue;
    const endedAt = ended.get(key);
    if (record === undefined && endedAt !== undefined && compareIds(id, endedAt) > 0) continue;
    const after = reduceCall(record, event);
    if (after !== undefined) legs.set(key, { record: after ?? undefined, id });
  }
  return [...legs.values()].flatMap(({ record }) => record ?? []);
}
