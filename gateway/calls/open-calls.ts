import type { EventLog } from '../../event-log/event-log.ts';
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
import { createCallCounters } from './counters.ts';
import { createEmbeddedTable } from './embedded-table.ts';
import { Keeper } from './keeper.ts';
import { createRedisTable } from './redis-table.ts';

/** More than eight members: the table touches the log, the replicas and what decides who sees a call. */
export interface OpenCallsParts {
  readonly eventLog: EventLog;
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
  /** Entries of this partition have come. */
  wake(partition: number): void;
}

/** Begins to keep the table of live calls. Owned by `stack`. */
export function openCalls(stack: AsyncDisposableStack, parts: OpenCallsParts): RunningCalls {
  const { eventLog, window, redis, keyPrefix, presence, directory, scope, metrics, logger } = parts;
  const { partitions } = eventLog;
  const table =
    redis === null ? createEmbeddedTable(partitions) : createRedisTable({ client: redis, keyPrefix, partitions });
  const counters = createCallCounters();
  let keepers: readonly Keeper[] = [];
  let replicas: readonly string[] | null = presence === null ? [''] : null;
  const own = presence?.replica ?? '';
  const options = {
    table,
    eventLog,
    window,
    counters,
    owns: (partition: number) => replicas !== null && ownerOf(`calls/${partition}`, replicas) === own,
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
  return {
    calls: createCalls({ source, directory, scope, onAsked: (outcome) => metrics.snapshotAsked(outcome) }),
    wake: (partition) => keepers[partition]?.wake(),
  };
}

/** Replicas that keep the table and stay, in an order that all agree on. */
function keeping(live: readonly LiveReplica[]): readonly string[] {
  const names = live.filter(({ heartbeat }) => heartbeat.calls === true && !heartbeat.leaving);
  return names.map(({ replica }) => replica).toSorted((one, other) => (one < other ? -1 : 1));
}
