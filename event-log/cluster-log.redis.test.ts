import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { silentLogger } from '../runtime/logging/logger.ts';
import { clusterConnection, startCluster, type RedisCluster } from '../testing/redis-cluster.ts';
import { eventLogSuite } from './event-log.suite.ts';
import { openRedisLog } from './redis-log.ts';

let cluster: RedisCluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster[Symbol.asyncDispose]());

eventLogSuite('Redis log in a cluster', () =>
  openRedisLog({
    redis: clusterConnection(cluster.url),
    keyPrefix: `${randomUUID()}:`,
    partitions: 4,
    resource: 'test/log',
    retention: null,
    logger: silentLogger,
  }),
);
