import type { RedisClient } from '../../runtime/redis/client.ts';
import { durationMs } from '../../protocol/subscription.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { GatewayConfig } from '../config.ts';
import { watchClient, type RedisMetrics } from '../../runtime/redis/watch-client.ts';
import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import type { EventLog } from '../../event-log/event-log.ts';
import { openRedisLog } from '../../event-log/redis-log.ts';

/** The configured log, and the Redis client beside it if there is one. */
export type OpenedLog = EventLog & { readonly client?: RedisClient };

export async function openLog(config: GatewayConfig, logger: Logger, metrics: RedisMetrics): Promise<OpenedLog> {
  const { spec, metadata } = config.subscription;
  const { partitions, retention, waitReplicas } = spec.stream;
  if (config.redis === null) return createEmbeddedLog({ partitions, maxBytes: config.logBytes, now: Date.now });
  return openRedisLog({
    redis: config.redis,
    keyPrefix: spec.redis.keyPrefix,
    partitions,
    resource: `${metadata.namespace}/${metadata.name}`,
    retention: { maxLength: retention.maxLength, maxAgeMs: durationMs(retention.maxAge) },
    waitReplicas,
    logger,
    onClient: (role, client) => watchClient(role, client, metrics),
  });
}
