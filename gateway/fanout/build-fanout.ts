import { decodeMeta } from '../../protocol/entry.ts';
import type { Position } from '../../protocol/position.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import type { Scope } from '../subscription/scope.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { EventLog, StoredEntry } from '../../event-log/event-log.ts';
import type { EventTraces } from '../trace/event-traces.ts';
import { Fanout } from './fanout.ts';
import { follow } from './follow.ts';
import { createOffer } from './offer.ts';
import { createPages } from './pages.ts';
import type { SourceGapNotice } from './source-gap-notice.ts';
import { unroutableLines } from './unroutable-lines.ts';

/** More than eight members: it joins the log with everything that an entry affects. */
export interface FanoutParts {
  readonly eventLog: EventLog;
  /** Gets the entries of each read, and the position before them; null without a table of live calls. */
  readonly calls: { arrived(entries: readonly StoredEntry[], before: Position): void } | null;
  /** Woken when a partition has entries, and notified of gaps of sources. */
  readonly groups: { wake(partition: number): void; sourceGap(notice: SourceGapNotice): void };
  readonly directory: LiveDirectory;
  /** Accounts and events that the resource offers. */
  readonly scope: Live<Scope>;
  /** Whether this process terminates TLS itself. */
  readonly isTls: boolean;
  readonly metrics: Metrics;
  readonly traces: EventTraces | null;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export interface RunningFanout {
  readonly fanout: Fanout;
  /** Settles when the reader has ended: fulfilled after an abort, else rejected with the error. */
  readonly ended: Promise<void>;
  readonly isReachable: () => boolean;
}

/** Creates the fan-out and starts its reader. */
export function buildFanout(parts: FanoutParts): RunningFanout {
  const { eventLog, calls, groups, directory, scope, isTls, metrics, traces, logger, signal } = parts;
  let offer = createOffer(scope.current);
  let reachable = false;
  const lines = unroutableLines(logger, performance.now.bind(performance));
  const fanout = new Fanout({
    directory: directory.current,
    offers: (name, account) => offer(name, account),
    pages: createPages(eventLog, signal),
    cursors: eventLog.cursors,
    isEncrypted: isTls,
    onSourceGap: (notice) => {
      groups.sourceGap(notice);
      metrics.sourceGap(notice.gap.reason);
      lines.sourceGap(notice);
    },
    unroutable: { ...lines, isShared: () => eventLog.isShared },
    onError: (error) => {
      if (!signal.aborted) logger.error({ err: error }, 'unexpected error while reading a page of the log');
    },
  });
  signal.addEventListener(
    'abort',
    directory.onChange((current) => fanout.useDirectory(current)),
  );
  signal.addEventListener(
    'abort',
    scope.onChange(() => {
      offer = createOffer(scope.current);
      // Drops the decisions of the old scope.
      fanout.useDirectory(directory.current);
    }),
  );
  const ended = follow({
    eventLog,
    fanout,
    logger,
    traces,
    signal,
    onReachable(isReachable, code) {
      reachable = isReachable;
      if (isReachable) logger.info(eventLog.place, 'the event log is available');
      else metrics.redisError('log', code);
    },
    onRead: (entries, before) => {
      const counts = countsOf(entries);
      for (const partition of counts.keys()) groups.wake(partition);
      calls?.arrived(entries, before);
      metrics.batchRead(counts);
      const age = ageSeconds(entries[0], Date.now());
      if (age !== null) metrics.delivered(age);
    },
    onEpochLost: () => metrics.gap('epoch_lost'),
  });
  metrics.redisClient('log', () => reachable);
  return { fanout, ended, isReachable: () => reachable };
}

/** Number of entries of each partition. */
function countsOf(entries: readonly StoredEntry[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const { partition } of entries) counts.set(partition, (counts.get(partition) ?? 0) + 1);
  return counts;
}

/** Seconds since the entry was ingested; null when its time is unknown. */
function ageSeconds(entry: StoredEntry | undefined, now: number): number | null {
  const at = Number(decodeMeta(entry?.meta ?? '')?.ingestedAt ?? '');
  return at > 0 ? Math.max(0, now - at / 1_000) / 1_000 : null;
}
