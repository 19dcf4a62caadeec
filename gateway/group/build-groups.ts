import { durationMs } from '../../protocol/subscription.ts';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { commandClient } from '../../runtime/redis/client.ts';
import { watchClient, type RedisMetrics } from '../../runtime/redis/watch-client.ts';
import type { Cursors } from '../../event-log/cursor-seal.ts';
import type { GatewayConfig } from '../config.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import { createOffer } from '../fanout/offer.ts';
import type { Presence } from '../replica/presence.ts';
import type { Scope } from '../subscription/scope.ts';
import type { EventTraces } from '../trace/event-traces.ts';
import type { Groups } from './groups.ts';
import { openGroups } from './open-groups.ts';
import { groupsWithoutRedis } from './without-redis.ts';

export interface GroupsParts {
  readonly config: GatewayConfig;
  readonly directory: LiveDirectory;
  /** Accounts and events that the resource offers. */
  readonly scope: Live<Scope>;
  readonly cursors: Pick<Cursors, 'pseudonym'>;
  /** Null with the embedded log. */
  readonly presence: Presence | null;
  readonly traces: EventTraces | null;
  readonly metrics: RedisMetrics;
  readonly logger: Logger;
}

/**
 * The groups of the resource, with a Redis client of their own; with the embedded log they are answered 501. Owned by
 * `stack`.
 */
export async function buildGroups(
  stack: AsyncDisposableStack,
  { config, directory, scope, cursors, presence, traces, metrics, logger }: GroupsParts,
): Promise<Groups> {
  const { spec, metadata } = config.subscription;
  let offer = createOffer(scope.current);
  if (config.redis === null || presence === null) return groupsWithoutRedis(spec.consumerGroups);
  const client = commandClient(config.redis, { logger, name: 'firehose:groups' });
  stack.defer(() => client.disconnect());
  watchClient('groups', client, metrics);
  const groups = await openGroups({
    place: { client, keyPrefix: spec.redis.keyPrefix, partitions: spec.stream.partitions },
    declared: {
      resource: `${metadata.namespace}/${metadata.name}`,
      account: spec.account.id,
      groups: spec.consumerGroups,
      hasOwn: spec.webhooks.selfService.enabled,
      retentionMs: durationMs(spec.stream.retention.maxAge),
    },
    presence,
    directory: directory.current,
    offers: (name, account) => offer(name, account),
    cursors,
    traces,
    logger,
  });
  stack.use(groups);
  stack.defer(directory.onChange((current) => groups.useDirectory(current)));
  stack.defer(
    scope.onChange(() => {
      offer = createOffer(scope.current);
      // Drops the decisions of the old scope.
      groups.useDirectory(directory.current);
    }),
  );
  return groups;
}
