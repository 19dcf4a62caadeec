import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { aclRules } from '../../runtime/redis/acl.ts';
import type { RedisAddress } from '../../runtime/redis/connection.ts';
import { clusterConnection, startCluster, type RedisCluster } from '../../testing/redis-cluster.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { openRedisLog } from '../../event-log/redis-log.ts';
import { callTableSuite, type OpenTable } from './call-table.suite.ts';
import { endsSuite } from './ends.suite.ts';
import { createRedisTable } from './redis-table.ts';

let server: RedisServer;
let cluster: RedisCluster;
const addresses: RedisAddress[] = [];

before(async () => {
  server = await startRedis({ users: [`firehose ${aclRules()} >secret`] });
  cluster = await startCluster();
  const url = server.url.replace('redis://', 'redis://firehose:secret@');
  addresses.push(url, clusterConnection(cluster.url));
});
after(async () => {
  await server.stop();
  await cluster[Symbol.asyncDispose]();
});

const opened: AsyncDisposable[] = [];
after(async () => {
  for (const eventLog of opened) await eventLog[Symbol.asyncDispose]();
});

const tableAt =
  (index: number): OpenTable =>
  async (legsPerAccount) => {
    const redis = addresses[index];
    if (redis === undefined) throw new Error('no server');
    const keyPrefix = `firehose:${randomUUID()}:`;
    const options = { keyPrefix, partitions: 2, resource: 'test/calls', retention: null, logger: silentLogger };
    const eventLog = await openRedisLog({ redis, ...options });
    opened.push(eventLog);
    return {
      eventLog,
      table: createRedisTable({ client: eventLog.client, keyPrefix, partitions: 2 }, legsPerAccount),
    };
  };

callTableSuite('table of live calls in Redis, as the user of least privilege', tableAt(0));
callTableSuite('table of live calls in a Redis Cluster', tableAt(1));
endsSuite('ends of legs in Redis, as the user of least privilege', tableAt(0));
endsSuite('ends of legs in a Redis Cluster', tableAt(1));
