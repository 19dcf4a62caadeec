import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { openRedisLog } from '../event-log/redis-log.ts';
import { createRedisTable } from '../gateway/calls/redis-table.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import type { RedisAddress } from '../runtime/redis/connection.ts';
import { clusterConnection, startCluster, type RedisCluster } from '../testing/redis-cluster.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { recordedCallsSuite } from './recorded-calls.suite.ts';

let server: RedisServer;
let cluster: RedisCluster;
before(async () => {
  server = await startRedis();
  cluster = await startCluster();
});
after(async () => {
  await server.stop();
  await cluster[Symbol.asyncDispose]();
});

async function openOn(redis: RedisAddress) {
  const place = { keyPrefix: `${randomUUID()}:`, partitions: 2 };
  const options = { ...place, resource: 'test/recorded', retention: null, logger: silentLogger };
  const eventLog = await openRedisLog({ redis, ...options });
  const table = createRedisTable({ client: eventLog.client, ...place });
  return { eventLog, table, [Symbol.asyncDispose]: () => eventLog[Symbol.asyncDispose]() };
}

recordedCallsSuite('in Redis', () => openOn(server.url));
recordedCallsSuite('in a Redis Cluster', () => openOn(clusterConnection(cluster.url)));
