import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { aclRules } from '../../runtime/redis/acl.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { clusterConnection, startCluster, type RedisCluster } from '../../testing/redis-cluster.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { callTableSuite } from './call-table.suite.ts';
import { createRedisTable } from './redis-table.ts';

let server: RedisServer;
let cluster: RedisCluster;
const clients: RedisClient[] = [];

before(async () => {
  server = await startRedis({ users: [`firehose ${aclRules()} >secret`] });
  cluster = await startCluster();
  const url = server.url.replace('redis://', 'redis://firehose:secret@');
  const options = { logger: silentLogger, name: 'test' };
  clients.push(commandClient(url, options), commandClient(clusterConnection(cluster.url), options));
  for (const client of clients) await becomesReady(client, 10_000);
});
after(async () => {
  for (const client of clients) client.disconnect();
  await server.stop();
  await cluster[Symbol.asyncDispose]();
});

const tableAt = (index: number) => () => {
  const client = clients[index];
  if (client === undefined) throw new Error('no client');
  return Promise.resolve(createRedisTable({ client, keyPrefix: `firehose:${randomUUID()}:`, partitions: 2 }));
};

callTableSuite('table of live calls in Redis, as the user of least privilege', tableAt(0));
callTableSuite('table of live calls in a Redis Cluster', tableAt(1));
