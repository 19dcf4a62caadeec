import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { openRedisLog } from '../../event-log/redis-log.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import type { RedisAddress } from '../../runtime/redis/connection.ts';
import { clusterConnection, startCluster, type RedisCluster } from '../../testing/redis-cluster.ts';
import { sentinelConnection, startSentinel } from '../../testing/redis-sentinel.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { oracleSuite, type OracleLog } from './oracle.suite.ts';
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

const PARTITIONS = 4;

async function openOn(redis: RedisAddress, keyPrefix = `${randomUUID()}:`, waitReplicas = 0): Promise<OracleLog> {
  const place = { keyPrefix, partitions: PARTITIONS };
  const options = { ...place, resource: 'test/calls', retention: null, waitReplicas, logger: silentLogger };
  const eventLog = await openRedisLog({ redis, ...options });
  const table = createRedisTable({ client: eventLog.client, ...place });
  return { eventLog, table, [Symbol.asyncDispose]: () => eventLog[Symbol.asyncDispose]() };
}

/** The slot of each partition, with the log, the table and its accounts, moves to another master. */
async function openWhoseSlotsMove(): Promise<OracleLog> {
  const keyPrefix = `${randomUUID()}:`;
  const opened = await openOn(clusterConnection(cluster.url), keyPrefix);
  const meddle = async () => {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const { events } = streamKeys(keyPrefix, partition);
      const from = await cluster.masterOf(events);
      const to = cluster.masters.find(({ port }) => port !== from.port);
      if (to === undefined) throw new Error('there is one master alone');
      await cluster.moveSlot(events, to);
    }
  };
  return { ...opened, meddle };
}

async function openBehindSentinels(): Promise<OracleLog> {
  await using stack = new AsyncDisposableStack();
  const sentinel = stack.use(await startSentinel({ replicas: 2 }));
  const opened = stack.use(await openOn(sentinelConnection(sentinel.url), 'firehose:', 1));
  const meddle = async () => {
    const old = await sentinel.master();
    await old.kill();
    await sentinel.failedOver(old);
  };
  const owned = stack.move();
  return { ...opened, meddle, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

oracleSuite('in Redis', () => openOn(server.url), 1_000);
oracleSuite('in a Redis Cluster', () => openOn(clusterConnection(cluster.url)), 300);
oracleSuite('in a Redis Cluster whose slots move', openWhoseSlotsMove, 300);
oracleSuite('behind Sentinels, of which the master is killed', openBehindSentinels, 300);
