import type { EventLog, StoredEntry } from '../../event-log/event-log.ts';
import type { EndingLog } from '../../event-log/late-end.ts';
import { BEFORE_EVERYTHING, type Position } from '../../protocol/position.ts';
import { durationMs } from '../../protocol/subscription.ts';
import type { CallsSpec } from '../../protocol/subscription/calls.ts';
import type { LogWindow } from '../../event-log/log-window.ts';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { LiveReplica, Presence } from '../replica/presence.ts';
import { ownerOf } from '../replica/rendezvous.ts';
import type { Scope } from '../subscription/scope.ts';
import { createCalls, type Calls } from './calls.ts';
import type { CallTable } from './call-table.ts';
import { createCallCounters } from './counters.ts';
import type { EndRules } from './due.ts';
import { createEmbeddedTable } from './embedded-table.ts';
import { Keeper } from './keeper.ts';
import { createPace } from './pace.ts';
import { createRedisTable } from './redis-table.ts';
import { keepRemoved } from './remove-unkept.ts';

/** More than eight members: the table uses the log, the replicas and the rules of who sees a call. */
export interface OpenCallsParts {
  /** The embedded log ends legs itself. */
  readonly eventLog: EventLog & Partial<EndingLog>;
  readonly spec: CallsSpec;
  readonly window: LogWindow;
  /** Null with the embedded log. */
  readonly redis: RedisClient | null;
  readonly keyPrefix: string;
  readonly presence: Presence | null;
  readonly directory: LiveDirectory;
  readonly scope: Live<Scope>;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export interface RunningCalls {
  readonly calls: Calls;
  /** The fan-out has read these entries, which directly follow `before`. */
  arrived(entries: readonly StoredEntry[], before: Position): void;
}

/** Events in memory that the fan-out has read and the tables of all partitions lack. */
const FEED_BYTES = 16 * 1024 * 1024;

/** Starts to keep the table of live calls. Owned by `stack`. */
export function openCalls(stack: AsyncDisposableStack, parts: OpenCallsParts): RunningCalls {
  const { eventLog, window, presence, directory, scope, metrics, logger } = parts;
  const { partitions } = eventLog;
  const table = openTable(parts);
  const counters = createCallCounters();
  let keepers: readonly Keeper[] = [];
  let replicas: readonly string[] | null = presence === null ? [''] : null;
  const own = presence?.replica ?? '';
  const options = {
    table,
    eventLog,
    window,
    counters,
    rules: rulesOf(parts.spec),
    feedBytes: Math.ceil(FEED_BYTES / partitions),
    owns: (partition: number) => replicas !== null && ownerOf(`calls/${partition}`, replicas) === own,
    turn: createPace(),
    logger,
    now: Date.now,
  };
  keepers = Array.from({ length: partitions }, (_, partition) => new Keeper(options, partition));
  presence?.onReplicas((live) => {
    const those = keeping(live);
    if (String(those) === String(replicas)) return;
    replicas = those;
    for (const keeper of keepers) keeper.wake();
  });
  const closing = new AbortController();
  const signal = AbortSignal.any([closing.signal, parts.signal]);
  const running = keepers.map((keeper) =>
    keeper.run(signal).catch((error: unknown) => {
      logger.error({ err: error }, 'unexpected error while keeping the table of live calls');
    }),
  );
  stack.defer(async () => {
    closing.abort();
    await Promise.all(running);
  });
  metrics.observeCalls(counters);
  const source = { table, eventLog, now: Date.now };
  const ending = { table, partitions, counters, lateEnd: parts.spec.lateEnd };
  return {
    calls: createCalls({ source, ending, directory, scope, onAsked: (outcome) => metrics.snapshotAsked(outcome) }),
    arrived(entries, { epoch, ids }) {
      for (const [partition, those] of Map.groupBy(entries, (entry) => entry.partition)) {
        keepers[partition]?.offer(those, { epoch, id: ids[partition] ?? BEFORE_EVERYTHING });
      }
    },
  };
}

export interface RemoveCallsParts {
  readonly redis: RedisClient;
  readonly keyPrefix: string;
  readonly partitions: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** For a resource that keeps no table: removes one that it kept before. Owned by `stack`. */
export function removeCalls(stack: AsyncDisposableStack, parts: RemoveCallsParts): void {
  const { redis: client, keyPrefix, partitions, logger } = parts;
  const closing = new AbortController();
  const signal = AbortSignal.any([closing.signal, parts.signal]);
  const table = createRedisTable({ client, keyPrefix, partitions });
  const running = keepRemoved({ table, partitions, logger, signal }).catch((error: unknown) => {
    logger.error({ err: error }, 'unexpected error while removing a table of live calls');
  });
  stack.defer(async () => {
    closing.abort();
    await running;
  });
}

function openTable({ eventLog, redis, keyPrefix, spec }: OpenCallsParts): CallTable {
  const { partitions } = eventLog;
  if (redis !== null) return createRedisTable({ client: redis, keyPrefix, partitions }, spec.maxLegsPerAccount);
  const { end, givenEnd, holds } = eventLog;
  if (end === undefined || givenEnd === undefined || holds === undefined)
    throw new Error('a log without Redis ends legs itself');
  const ending = { end: end.bind(eventLog), givenEnd: givenEnd.bind(eventLog), holds: holds.bind(eventLog) };
  return createEmbeddedTable(partitions, ending, spec.maxLegsPerAccount);
}

function rulesOf({ silentAfter, switchLost, lateEnd }: CallsSpec): EndRules {
  return { silentMs: durationMs(silentAfter), graceMs: durationMs(switchLost.gracePeriod), lateEnd };
}

/** Replicas that keep the table and do not leave, in an order on which all agree. */
function keeping(live: readonly LiveReplica[]): readonly string[] {
  const names = live.filter(({ heartbeat }) => heartbeat.calls === true && !heartbeat.leaving);
  return names.map(({ replica }) => replica).toSorted((one, other) => (one < other ? -1 : 1));
}
