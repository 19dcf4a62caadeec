import type { CallRecord } from '../../protocol/call.ts';
import { FIRST_SLICE, type CallTable, type TableAt } from './call-table.ts';

/** A leg, and the state of the table in which it was found. */
export interface FoundLeg {
  readonly at: TableAt;
  readonly record: CallRecord;
}

/**
 * All legs of a partition's table, slice by slice, while the table may move. A leg may occur twice. Ends early and
 * returns false when the table cannot be read.
 */
export async function eachLeg(
  table: CallTable,
  partition: number,
  visit: (leg: FoundLeg) => Promise<void> | void,
): Promise<boolean> {
  const accounts = await table.accounts(partition);
  for (let place = accounts.length === 0 ? null : FIRST_SLICE; place !== null;) {
    const slice = await table.slice(partition, accounts, place);
    if (slice === null || slice.at.phase !== 'live') return false;
    for (const record of slice.records) await visit({ at: slice.at, record });
    place = slice.next;
  }
  return true;
}
