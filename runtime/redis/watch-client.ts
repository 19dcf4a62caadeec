import type { RedisClient } from './client.ts';
import { onOutage } from './outage.ts';

/** The purpose of a connection to Redis. */
export type RedisRole = 'log' | 'commands' | 'append' | 'groups';

/** The part of a process's metrics that counts its connections to Redis. */
export interface RedisMetrics {
  redisError(role: RedisRole, code: string): void;
  /** A connection to Redis whose state is reported from now on. */
  redisClient(role: RedisRole, isReady: () => boolean): void;
}

/** Reports the metrics of a connection for commands: whether it is ready, and each outage by its code. */
export function watchClient(role: RedisRole, client: RedisClient, metrics: RedisMetrics): void {
  metrics.redisClient(role, () => client.status === 'ready');
  onOutage(client, (code) => metrics.redisError(role, code));
}
