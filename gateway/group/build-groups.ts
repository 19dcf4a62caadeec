import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from '../../runtime/logging/logger.ts';
import { commandClient } from '../../runtime/redis/client.ts';
import type { GatewayConfig } from '../config.ts';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import type { Scope } from '../subscription/scope.ts';
import { createOffer } from '../fanout/offer.ts';
import type { Groups } from './groups.ts';
import type { LiveReplica } from '../replica/heartbeat.ts';
import type { EventTraces } from '../trace/event-traces.ts';
import { watchClient, type RedisMetrics } from '../../runtime/redis/watch-client.ts';
import { openGroups } from './open-groups.ts';
import { groupsWithoutRedis } from './without-redis.ts';

export interface GroupsParts {
  readonly config: GatewayConfig;
  readonly directory: LiveDirectory;
  /** What the resource offers. */
  readonly scope: Live<Scope>;
  /** What the heartbeat says beside the groups. */
  readonly says: () => Readonly<Record<string, unknown>>;
  readonly onReplicas: (replicas: readonly LiveReplica[]) => void;
  readonly traces: EventTraces | null;
  readonly metrics: RedisMetrics;
  readonly logger: Logger;
}

/** The groups of the resource, on a Redis client of their own; with the embedded log they are answered 501. Owned by `stack`. */
export async function buildGroups(
  stack: AsyncDisposableStack,
  { config, directory, scope, says, onReplicas, traces, metrics, logger }: GroupsParts,
): Promise<Groups> {
  const { spec, metadata } = config.subscription;
  let offer = createOffer(scope.current);
  if (config.redis === null) return groupsWithoutRedis(spec.consumerGroups);
  const client = commandClient(config.redis, { logger, name: 'firehose:groups' });
  stack.defer(() => client.disconnect());
  watchClient('groups', client, metrics);
  const groups = await openGroups({
    client,
    keyPrefix: spec.redis.keyPrefix,
    partitions: spec.stream.partitions,
    resource: `${metadata.namespace}/${metadata.name}`,
    // A pod's host name is its own; two processes of one machine still differ.
    replica: `${hostname()}-${randomBytes(4).toString('hex')}`,
    groups: spec.consumerGroups,
    directory: directory.current,
    offers: (name, account) => offer(name, account),
    says,
    onReplicas,
    traces,
    logger,
  });
  stack.use(groups);
  stack.defer(directory.onChange((current) => groups.useDirectory(current)));
  stack.defer(
    scope.onChange(() => {
      offer = createOffer(scope.current);
      // Drops what was decided by the old scope.
      groups.useDirectory(directory.current);
    }),
  );
  return groups;
}
