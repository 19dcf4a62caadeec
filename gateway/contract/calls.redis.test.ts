import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { callKeys } from '../../protocol/keys.ts';
import { commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { clusterConnection, startCluster } from '../../testing/redis-cluster.ts';
import { MASTER_NAME, startSentinel } from '../../testing/redis-sentinel.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { startGateway } from '../testing/running-gateway.ts';
import { board, callsSuite, getCalls, heard, legEvent, tableHas } from './calls.suite.ts';

const LIMIT = { timeout: 90_000 };
const CALLS = { calls: { enabled: true } };

let shared: RedisServer;
before(async () => {
  shared = await startRedis();
});
after(() => shared.stop());

function command({ url }: RedisServer): Disposable & { readonly client: RedisClient } {
  const client = commandClient(url, { logger: silentLogger, name: 'test' });
  return { client, [Symbol.dispose]: () => client.disconnect() };
}

let prefixes = 0;
const prefix = () => `calls-${(prefixes += 1)}:`;
callsSuite('Redis Streams', () =>
  startGateway({ redisUrl: shared.url, redis: { keyPrefix: prefix() }, plain: true, ...CALLS }),
);

test('LC1: a board heals on its socket when the log is lost: a gap, then the calls that are live', LIMIT, async () => {
  await using redis = await startRedis();
  await using running = await startGateway({ redisUrl: redis.url, plain: true, ...CALLS });
  const token = await running.token();
  await running.ingest(legEvent('account_id_1', 'lost', 'CHANNEL_CREATE'));
  await tableHas(running, token, ['lost']);
  const client = await running.connect(`?token=${token}&v=1&snapshot=calls`);
  await until('the call on the board', () => board(client).has('lost'));
  using emptying = command(redis);
  await until('an empty Redis', () => emptying.client.call('flushall'));
  await until(
    'the new log',
    async () => (await running.ingest(legEvent('account_id_1', 'new', 'CHANNEL_CREATE'))).status,
    {
      holds: (seen) => seen === 200,
    },
  );
  await until('the board of the new log', () => [...board(client).keys()].join(), { holds: (seen) => seen === 'new' });
  const types = heard(client).flatMap(({ frame }) => (frame === null ? [] : [frame.type]));
  assert.ok(types.indexOf('gap') < types.lastIndexOf('snapshot_begin'));
  await running.ingest(legEvent('account_id_1', 'new', 'CHANNEL_DESTROY'));
  await until('an empty board', () => board(client).size === 0);
  client.close();
});

test('LC1: the table goes on when the replica that keeps it is gone, and ends empty (LC6)', LIMIT, async () => {
  await using redis = await startRedis();
  const options = { redisUrl: redis.url, plain: true, ...CALLS };
  await using staying = await startGateway(options);
  const token = await staying.token();
  for (let life = 0; life < 3; life += 1) {
    const leaving = await staying.another();
    const lines = Array.from({ length: 20 }, (_, n) => legEvent('account_id_1', `${life}/${n}`, 'CHANNEL_CREATE'));
    await leaving.ingest(lines.join('\n'));
    await leaving[Symbol.asyncDispose]();
    const names = Array.from({ length: 20 * (life + 1) }, (_, n) => `${Math.floor(n / 20)}/${n % 20}`);
    await tableHas(staying, token, names);
  }
  const ends = Array.from({ length: 60 }, (_, n) =>
    legEvent('account_id_1', `${Math.floor(n / 20)}/${n % 20}`, 'CHANNEL_DESTROY'),
  );
  await staying.ingest(ends.join('\n'));
  await tableHas(staying, token, []);
  using asking = command(redis);
  for (let partition = 0; partition < 4; partition += 1) {
    const { accounts, legs } = callKeys('firehose:', partition);
    const left = await until('an answer', async () => [await asking.client.exists(accounts, legs('account_id_1'))]);
    assert.deepEqual(left, [0]);
  }
});

test('LC2: a call of an account that has moved away is in no later snapshot', LIMIT, async () => {
  await using running = await startGateway({
    redisUrl: shared.url,
    redis: { keyPrefix: prefix() },
    plain: true,
    ...CALLS,
  });
  const token = await running.token();
  await running.ingest(legEvent('account_id_2', 'moving', 'CHANNEL_CREATE'));
  await tableHas(running, token, ['moving']);
  const directory = await readFile(running.directoryFile, 'utf8');
  const moved = directory.replace(/(id: '?"?account_id_2'?"?.*?), parent: [^,}\n]+/, '$1');
  assert.notEqual(moved, directory);
  await writeFile(running.directoryFile, moved);
  await until('no call', async () => (await getCalls(running, token)).text.includes('"calls":[]'));
  const client = await running.connect(`?token=${token}&v=1&snapshot=calls`);
  await until('the snapshot', () => heard(client).some(({ frame }) => frame?.type === 'snapshot_end'));
  assert.equal(board(client).size, 0);
  client.close();
});

test('LC1: the table goes on behind Sentinels when the master is killed, and lacks no call', LIMIT, async () => {
  await using sentinel = await startSentinel({ replicas: 1 });
  const redis = { mode: 'Sentinel', sentinel: { masterName: MASTER_NAME } };
  await using running = await startGateway({
    redisUrl: sentinel.url,
    redis,
    stream: { waitReplicas: 1 },
    plain: true,
    ...CALLS,
  });
  const token = await running.token();
  const say = async (callId: string, name: string) =>
    until('an accepted event', () => running.ingest(legEvent('account_id_1', callId, name)), {
      holds: ({ status }) => status === 200,
    });
  for (const callId of ['a', 'b', 'c']) await say(callId, 'CHANNEL_CREATE');
  await tableHas(running, token, ['a', 'b', 'c']);
  const client = await running.connect(`?token=${token}&v=1&snapshot=calls`);
  await until('three calls', () => board(client).size === 3);
  const old = await sentinel.master();
  await old.kill();
  await sentinel.failedOver(old);
  // Only one server is left: no replica acknowledges anything until the old one is back.
  await old.restart();
  await say('b', 'CHANNEL_DESTROY');
  await say('d', 'CHANNEL_CREATE');
  await tableHas(running, token, ['a', 'c', 'd']);
  await until('the board', () => [...board(client).keys()].toSorted().join(), { holds: (seen) => seen === 'a,c,d' });
  client.close();
});

test('live calls in a Redis Cluster, over TLS by default', LIMIT, async () => {
  await using cluster = await startCluster();
  const nodes = clusterConnection(cluster.url);
  assert.equal(nodes.mode, 'Cluster');
  await using running = await startGateway({ redisUrl: cluster.url, redis: { mode: 'Cluster' }, ...CALLS });
  const token = await running.token();
  await running.ingest([1, 2, 3, 4].map((n) => legEvent('account_id_1', `leg-${n}`, 'CHANNEL_CREATE')).join('\n'));
  const client = await running.connect(`?token=${token}&v=1&snapshot=calls`);
  await until('four calls', () => board(client).size === 4);
  client.close();
});
