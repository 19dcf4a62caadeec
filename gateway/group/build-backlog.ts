import type { Subscription } from '../../protocol/subscription.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import type { RedisMetrics } from '../../runtime/redis/watch-client.ts';
import { followBacklog, type Backlog } from './backlog.ts';

export interface BacklogParts {
  /** Null: there are no groups. */
  readonly redis: RedisClient | null;
  readonly keyspace: { readonly prefix: string; readonly resource: string };
  readonly spec: Subscription['spec'];
  readonly metrics: Pick<RedisMetrics, 'redisError'>;
  readonly logger: Logger;
}

/** Follows the backlog of the declared groups until `stack` is released, and returns the last known values. */
export function buildBacklog(
  stack: AsyncDisposableStack,
  { redis, keyspace, spec, metrics, logger }: BacklogParts,
): () => ReadonlyMap<string, Backlog> {
  if (redis === null) return () => new Map();
  const stop = new AbortController();
  const backlog = followBacklog({
    client: redis,
    place: { keyPrefix: keyspace.prefix, partitions: spec.stream.partitions, resource: keyspace.resource },
    groups: spec.consumerGroups,
    signal: stop.signal,
    logger,
    onFailure: (code) => metrics.redisError('commands', code),
  });
  stack.defer(async () => {
    stop.abort();
    await backlog.ended;
  });
  return backlog.current;
}
