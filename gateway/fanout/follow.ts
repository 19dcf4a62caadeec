import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../runtime/logging/logger.ts';
import { remedyFor } from '../../runtime/redis/remedy.ts';
import {
  LogUnavailable,
  type EventLog,
  type LogReader,
  type ReadOutcome,
  type StoredEntry,
} from '../../event-log/event-log.ts';
import type { Position } from '../../protocol/position.ts';
import type { EventTraces } from '../trace/event-traces.ts';
import type { Fanout } from './fanout.ts';
import { NO_SPACING, nextSpacing, restAfter } from './spacing.ts';

export interface FollowOptions {
  readonly eventLog: EventLog;
  readonly fanout: Fanout;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Called on each change of whether the log is reachable. */
  readonly onReachable: (reachable: boolean, code: string) => void;
  readonly traces: EventTraces | null;
  /** Called with the entries of each read, once they are written, and with the position that they directly follow. */
  readonly onRead?: (entries: readonly StoredEntry[], before: Position) => void;
  /** Called when the streams were lost and refilled. */
  readonly onEpochLost?: () => void;
}

const WAIT_MS = 2_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
/**
 * When more than this share of the connections is behind, the reader waits for the sockets instead of running ahead.
 */
const CROWD = 0.75;
const LONGEST_WAIT_MS = 20;
const JUDGE_EVERY_MS = 100;

/**
 * The one reader of a process. It reads from the log again only when its rounds are delivered, so that batches grow
 * with the load by themselves and latency stays low when idle. Continues from the same position after every outage.
 */
export async function follow(options: FollowOptions): Promise<void> {
  const { eventLog, fanout, signal } = options;
  const reader = eventLog.reader();
  await using _ = reader;
  const rest = createRest((busy) => fanout.useLoad(busy));
  let failures = 0;
  while (!signal.aborted) {
    try {
      const outcome = await read(eventLog, reader, fanout, signal);
      if (failures > 0 || outcome === null) {
        options.onReachable(true, '');
        failures = 0;
      }
      if (outcome?.kind === 'epoch_lost') {
        options.logger.warn(
          { epoch: outcome.state.epoch },
          'the log was lost and refilled, or has overtaken its reader: connections are closed with 4410',
        );
        options.onEpochLost?.();
        fanout.restart(outcome.state);
      } else if (outcome !== null && outcome.entries.length > 0) {
        await deliver(outcome.entries, fanout.position, options);
        await roundIsThrough(fanout, rest(outcome.entries.length));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof LogUnavailable)) throw error;
      failures += 1;
      if (failures === 1) {
        options.onReachable(false, error.code);
        options.logger.error(
          { ...eventLog.place, code: error.code, ...remedyFor(error.code) },
          'the event log is unavailable; connections stay open, trying again',
        );
      }
      await pause(failures, signal);
    }
  }
}

/** The position advances batch by batch: after an abort in between, the rest counts as not delivered. */
async function deliver(
  entries: readonly StoredEntry[],
  before: Position | null,
  options: FollowOptions,
): Promise<void> {
  const { fanout, traces, signal } = options;
  const readAt = traces === null ? 0 : traces.now();
  let isFirst = true;
  for (const batch of fanout.batches(entries)) {
    if (!isFirst) await roundIsThrough(fanout, 0);
    if (signal.aborted) return;
    isFirst = false;
    fanout.deliver(batch);
    traces?.delivered(batch, readAt, (meta) => fanout.audience(meta));
  }
  if (before !== null) options.onRead?.(entries, before);
}

/** Null when the newest end was found, from which following begins. */
async function read(
  eventLog: EventLog,
  reader: LogReader,
  fanout: Fanout,
  signal: AbortSignal,
): Promise<ReadOutcome | null> {
  if (fanout.position === null) {
    fanout.restart(await eventLog.state());
    return null;
  }
  return reader.read(fanout.position, { waitMs: WAIT_MS, signal });
}

/** Lets the sockets and other work have their turn; does not wait for a slow minority. */
async function roundIsThrough(fanout: Fanout, restMs: number): Promise<void> {
  await nextTurn();
  if (restMs > 0) await delay(restMs);
  for (let waited = 0; waited < LONGEST_WAIT_MS && fanout.behind > fanout.connections * CROWD; waited += 1) {
    await delay(1);
  }
}

/** How long to rest after a round, from the recent utilisation of the event loop; `onBusy` receives it too. */
function createRest(onBusy: (busy: number) => void): (events: number) => number {
  let spacing = NO_SPACING;
  let judgedAt = performance.now();
  let utilisation = performance.eventLoopUtilization();
  return (events) => {
    const now = performance.now();
    if (now - judgedAt >= JUDGE_EVERY_MS) {
      judgedAt = now;
      const busy = performance.eventLoopUtilization(utilisation).utilization;
      spacing = nextSpacing(spacing, busy);
      onBusy(busy);
      utilisation = performance.eventLoopUtilization();
    }
    return restAfter(spacing, events);
  };
}

async function pause(failures: number, signal: AbortSignal): Promise<void> {
  const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 10));
  await delay(ceiling * (0.5 + Math.random() / 2), undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
