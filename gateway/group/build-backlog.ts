import type { Subscription } from '../../protocol/subscription.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { followBacklog, type Backlog } from './backlog.ts';

export interface BacklogParts {
  /** Null: there are no groups. */
  readonly redis: RedisClient | null;
  readonly place: { readonly prefix: string; readonly resource: string };
  readonly spec: Subscription['spec'];
}

/** Follows the backlog of the declared groups until `stack` is released, and gives what is known of it. */
export function buildBacklog(
  stack: AsyncDisposableStack,
  { redis, place, spec }: BacklogParts,
): () => ReadonlyMap<string, Backlog> {
  if (redis === null) return () => new Map();
  const stop = new AbortController();
  const backlog = followBacklog({
    client: redis,
    keyPrefix: place.prefix,
    partitions: spec.stream.partitions,
    resource: place.resource,
    groups: spec.consumerGroups.map(({ name }) => name),
    signal: stop.signal,
  });
  stack.defer(async () => {
    stop.abort();
    await backlog.ended;
  });
  return backlog.current;
}
