import type { CallRecord } from '../../protocol/call.ts';
import { LogUnavailable } from '../../event-log/event-log.ts';
import type { LateEnd } from '../../event-log/late-end.ts';
import type { CallTable } from './call-table.ts';
import type { CallCounters } from './counters.ts';
import { eachLeg } from './each-leg.ts';
import { endEvent, type EndReason } from './end-event.ts';
import { CallsUnavailable } from './snapshot.ts';

/** The calls of a switch. */
export interface SwitchList {
  /** The switch's name in the events of its legs: `Node`, or the pseudonym of a source's switch. */
  readonly switch: ReadonlySet<string>;
  readonly live: ReadonlySet<string>;
  /** Unix milliseconds: a leg with a later event may have begun after the list was made. */
  readonly listedAt: number;
  /** Unix milliseconds; null when no restart of the switch is known. */
  readonly startedAt: number | null;
}

export interface Reconciled {
  /** Number of legs that were ended. */
  readonly ended: number;
  /** Calls of the list that the table lacks: the log holds no event of them any more. */
  readonly unknown: number;
}

export interface ReconcileParts {
  readonly table: CallTable;
  readonly partitions: number;
  readonly counters: CallCounters;
  readonly lateEnd: LateEnd;
}

/** Why the list of its switch ends a leg; null when it does not. Pure. */
function reasonToEnd(record: CallRecord, list: SwitchList | undefined): EndReason | null {
  if (list === undefined) return null;
  if (list.startedAt !== null && record.last_ms < list.startedAt) return 'switch_restarted';
  return record.last_ms < list.listedAt && !list.live.has(record.call_id) ? 'reconciled' : null;
}

/** Attempts for a leg with entries that the table has not read; after that the next list handles it. */
const TRIES = 20;
const TRY_MS = 100;

/**
 * Ends the legs that switches no longer have, of accounts that their producer may write for. No switch has two lists.
 * Rejects with CallsUnavailable while the table cannot be read. Legs that were ended by then stay ended; sending the same
 * lists again ends the rest.
 */
export async function reconcile(
  { table, partitions, counters, lateEnd }: ReconcileParts,
  lists: readonly SwitchList[],
  { mayEnd, now, pause }: { mayEnd: (account: string) => boolean; now: () => number; pause: Pause },
): Promise<Reconciled> {
  const unknown = new Set(lists.flatMap(({ live }) => [...live]));
  const listOf = new Map(lists.flatMap((list) => [...list.switch].map((name) => [name, list] as const)));
  const end = async (partition: number, leg: Parameters<Parameters<typeof eachLeg>[2]>[0]): Promise<boolean> => {
    const { at, record } = leg;
    const reason = reasonToEnd(record, listOf.get(record.switch ?? ''));
    if (reason === null || !mayEnd(record.account_id)) return false;
    const event = endEvent(record, reason, now());
    for (let left = TRIES; left > 0; left -= 1) {
      const outcome = await table.end(partition, { at, record, event, notBefore: 0, lateEnd });
      if (outcome === 'ended') counters.ends[reason] += 1;
      if (outcome !== 'later') return outcome === 'ended';
      await pause(TRY_MS);
    }
    return false;
  };
  let ended = 0;
  try {
    for (let partition = 0; partition < partitions; partition += 1) {
      const isWhole = await eachLeg(table, partition, async (leg) => {
        unknown.delete(leg.record.call_id);
        if (await end(partition, leg)) ended += 1;
      });
      if (!isWhole && (await table.at(partition))?.phase !== 'live') throw new CallsUnavailable('building');
    }
  } catch (error) {
    if (error instanceof LogUnavailable) throw new CallsUnavailable('log', { cause: error });
    throw error;
  }
  return { ended, unknown: unknown.size };
}

export type Pause = (ms: number) => Promise<unknown>;
