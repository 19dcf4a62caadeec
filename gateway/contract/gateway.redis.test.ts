import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { after, before, test } from 'node:test';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { event, gatewaySuite } from './gateway.suite.ts';
import { until } from '../../testing/until.ts';
import { startGateway } from '../testing/running-gateway.ts';

let shared: RedisServer;
before(async () => {
  shared = await startRedis();
});
after(() => shared.stop());

let resources = 0;
gatewaySuite('Redis Streams', () => {
  resources += 1;
  return startGateway({ redisUrl: shared.url, name: `resource-${resources}` });
});

test('an event that redis-cli could have added arrives', async () => {
  await using redis = await startRedis();
  await using running = await startGateway({ redisUrl: redis.url });
  const client = await running.connect(`?token=${await running.token()}`);
  const producer = new Redis(redis.url);
  const data = '{"Event-Name":"CHANNEL_ANSWER","Call-ID":"c1"}';
  await producer.xadd('firehose:{2}:events', '*', 'm', '1\tCHANNEL_ANSWER\taccount_id_1', 'd', data);
  producer.disconnect();
  assert.deepEqual(await client.received(1), [data]);
});

test('two resources with disjoint directories on one Redis see nothing of each other', async () => {
  await using redis = await startRedis();
  const directory = `accounts: [{ id: '91eb05e5c68d7ca05e7618b6821d2d16', name: admin, realm: admin.sip.example.com }, { id: 'other', name: other, realm: other.sip.example.com, parent: '91eb05e5c68d7ca05e7618b6821d2d16' }]
users: [{ username: admin, account: '91eb05e5c68d7ca05e7618b6821d2d16', passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$c29tZWhhc2g' }]`;
  await using first = await startGateway({ redisUrl: redis.url, name: 'first' });
  const hash = /\$argon2id[^']+/.exec(await readFile(first.directoryFile, 'utf8'))?.[0] ?? '';
  await using second = await startGateway({
    redisUrl: redis.url,
    name: 'second',
    directory: directory.replace(/\$argon2id[^']+/, () => hash),
  });
  const ofFirst = await first.connect(`?token=${await first.token()}`);
  const ofSecond = await second.connect(`?token=${await second.token()}`);
  const sent = Array.from({ length: 40 }, (_, at) => event(at % 2 === 0 ? 'account_id_2' : 'other', 'DTMF', at));
  await first.ingest(sent.join('\n'));
  const of = (account: string) => sent.filter((text) => text.includes(`"${account}"`)).toSorted();
  assert.deepEqual((await ofFirst.received(20)).toSorted(), of('account_id_2'));
  assert.deepEqual((await ofSecond.received(20)).toSorted(), of('other'));
});

test('I1, I2: Redis with AOF killed under load: the connection stays, every acknowledged event comes once and in order', async () => {
  await using redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  await using running = await startGateway({ redisUrl: redis.url });
  const client = await running.connect(`?token=${await running.token()}`);
  const acknowledged: number[] = [];
  for (let at = 0; at < 300; at += 1) {
    if (at === 100) {
      await redis.kill();
      await redis.restart();
    }
    await until('the event acknowledged', async () => {
      const { body } = await running.ingest(event('account_id_1', 'CHANNEL_HOLD', at));
      return (body['accepted'] ?? 0) + (body['duplicate'] ?? 0) === 1;
    });
    acknowledged.push(at);
  }
  const numbers = (await client.received(300)).map((text) => (JSON.parse(text) as { n: number }).n);
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    acknowledged,
  );
  for (const call of [0, 1, 2]) {
    const ofCall = numbers.filter((n) => n % 3 === call);
    assert.deepEqual(
      ofCall,
      ofCall.toSorted((a, b) => a - b),
    );
  }
});

test('I4: Redis without persistence killed: what was lost is said with 4410', async () => {
  await using redis = await startRedis();
  await using running = await startGateway({ redisUrl: redis.url });
  const client = await running.connect(`?token=${await running.token()}`);
  await running.ingest(event('account_id_1', 'CHANNEL_HOLD', 1));
  await client.received(1);
  await redis.kill();
  await redis.restart();
  const { code, reason } = await client.closed;
  assert.equal(code, 4410);
  assert.match(reason, /epoch_lost/);
});
