import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { openRedisLog } from '../../event-log/redis-log.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import type { RedisAddress } from '../../runtime/redis/connection.ts';
import { clusterConnection, startCluster, type RedisCluster } from '../../testing/redis-cluster.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { oracleSuite } from './oracle.suite.ts';
import { createRedisTable } from './redis-table.ts';

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
  const keyPrefix = `${randomUUID()}:`;
  const options = { keyPrefix, partitions: 4, resource: 'test/calls', retention: null, logger: silentLogger };
  const eventLog = await openRedisLog({ redis, ...options });
  const table = createRedisTable({ client: eventLog.client, keyPrefix, partitions: 4 });
  return { eventLog, table, [Symbol.asyncDispose]: () => eventLog[Symbol.asyncDispose]() };
}

oracleSuite('in Redis', () => openOn(server.url), 1_000);
oracleSuite('in a Redis Cluster', () => openOn(clusterConnection(cluster.url)), 300);
