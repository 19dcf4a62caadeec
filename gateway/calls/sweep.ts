import type { CallTable } from './call-table.ts';
import type { CallCounters } from './counters.ts';
import { dueOf, type EndRules } from './due.ts';
import { eachLeg } from './each-leg.ts';
import { endEvent } from './end-event.ts';

export interface SweepParts {
  readonly table: CallTable;
  readonly partition: number;
  readonly rules: EndRules;
  readonly counters: CallCounters;
}

/**
 * After this time, a leg is tried again that could not be ended, because the table lacks entries of it or the log is
 * away.
 */
const AGAIN_MS = 1_000;

/**
 * Ends the legs of a partition that are due. Returns the time of the next check, Unix milliseconds: no present leg, and
 * none that begins later, is due before. Rejects with LogUnavailable.
 */
export async function sweep({ table, partition, rules, counters }: SweepParts, now: number): Promise<number> {
  let next = now + rules.silentMs;
  const isWhole = await eachLeg(table, partition, async ({ at, record }) => {
    const due = dueOf(record, rules);
    if (due.at > now) {
      next = Math.min(next, due.at);
      return;
    }
    const event = endEvent(record, due.reason, now);
    const outcome = await table.end(partition, { at, record, event, notBefore: due.at, lateEnd: rules.lateEnd });
    if (outcome === 'ended') counters.ends[due.reason] += 1;
    else if (outcome === 'later') next = Math.min(next, now + AGAIN_MS);
  });
  return isWhole ? next : now + AGAIN_MS;
}
