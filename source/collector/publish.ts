import { unlessAborted } from '../../runtime/lifecycle/aborted.ts';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { AppendOutcome, EventLog } from '../../event-log/event-log.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { newEvent } from '../new-event.ts';
import type { MappedEvent } from '../mapper.ts';
import type { Waker } from './waker.ts';

interface Waiting {
  readonly kind: 'event' | 'adopted' | 'gap';
  readonly event: MappedEvent;
}

/** One endpoint, as the publishing loop uses it. */
export interface Publishable<Entry extends Waiting> {
  /** The next entries to append, in order; empty while another replica leads. A gap comes alone. */
  next(): IterableIterator<Entry>;
  /** An append of these entries starts now. */
  take(batch: readonly Entry[]): void;
  /** The append has ended. `next` returns refused entries first. */
  settle(batch: readonly Entry[], outcomes: readonly AppendOutcome[]): void;
}

export interface PublishOptions<Entry extends Waiting> {
  readonly endpoints: () => readonly Publishable<Entry>[];
  readonly eventLog: Pick<EventLog, 'append' | 'partitions'>;
  readonly waker: Waker;
  readonly signal: AbortSignal;
}

const MOST = 500;
/**
 * The log appends this many events of a partition in one call. A batch fits into one call, so all of it is sent in the
 * same turn of the event loop in which the lease was checked: a process that is paused and continues sends nothing
 * under an old lease.
 */
const MOST_OF_PARTITION = 100;
const IDLE_MS = 500;
const RETRY_MS = 100;
const RETRY_MOST_MS = 1_000;

/**
 * Appends the endpoints' entries, one batch at a time, in order for each endpoint. Appends refused entries again before
 * anything newer. Runs until the signal aborts, and does not wait for a running append then.
 */
export async function publish<Entry extends Waiting>({
  endpoints,
  eventLog,
  waker,
  signal,
}: PublishOptions<Entry>): Promise<void> {
  let refusals = 0;
  for (let round = 0; !signal.aborted; round += 1) {
    const shares = sharesOf(endpoints(), eventLog.partitions, round);
    const events = shares.flatMap(({ batch }) => batch);
    if (events.length === 0) {
      await waker.sleep(IDLE_MS);
      // Events from one read of a socket are appended together.
      await nextTurn();
      continue;
    }
    for (const { endpoint, batch } of shares) endpoint.take(batch);
    const outcomes = await unlessAborted(eventLog.append(events.map(({ event }) => newEvent(event))), signal);
    if (outcomes === null) return;
    let from = 0;
    for (const { endpoint, batch } of shares) endpoint.settle(batch, outcomes.slice(from, (from += batch.length)));
    const isRefused = outcomes.some(({ outcome }) => outcome === 'failed');
    refusals = isRefused ? refusals + 1 : 0;
    if (isRefused) await pause(Math.min(RETRY_MOST_MS, RETRY_MS * 2 ** Math.min(refusals - 1, 4)), signal);
  }
}

interface Share<Entry extends Waiting> {
  readonly endpoint: Publishable<Entry>;
  readonly batch: readonly Entry[];
}

/** Each round starts with another endpoint, so that none starves. */
function sharesOf<Entry extends Waiting>(
  endpoints: readonly Publishable<Entry>[],
  partitions: number,
  round: number,
): Share<Entry>[] {
  const room = Array.from({ length: partitions }, () => MOST_OF_PARTITION);
  let left = MOST;
  const shares: Share<Entry>[] = [];
  for (let index = 0; index < endpoints.length && left > 0; index += 1) {
    const endpoint = endpoints[(index + round) % endpoints.length];
    if (endpoint === undefined) continue;
    const batch: Entry[] = [];
    for (const one of endpoint.next()) {
      if (one.kind === 'gap' && batch.length > 0) break;
      const partition = partitionOf(one.event, partitions);
      if (left === 0 || room[partition] === 0) break;
      batch.push(one);
      left -= 1;
      room[partition] = (room[partition] ?? 0) - 1;
      if (one.kind === 'gap') break;
    }
    if (batch.length > 0) shares.push({ endpoint, batch });
  }
  return shares;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  // Only an abort rejects this timer, and the abort ends the loop that waits here.
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}
