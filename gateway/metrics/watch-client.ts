import type { RedisClient } from '../../runtime/redis/client.ts';
import { onOutage } from '../../runtime/redis/outage.ts';
import type { Metrics, RedisRole } from './metrics.ts';

export type RedisMetrics = Pick<Metrics, 'redisClient' | 'redisError'>;

/** Tells the metrics of a connection for commands: whether it is ready, and each outage by its code. */
export function watchClient(role: RedisRole, client: RedisClient, metrics: RedisMetrics): void {
  metrics.redisClient(role, () => client.status === 'ready');
  onOutage(client, (code) => metrics.redisError(role, code));
}
