import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { commandClient, becomesReady } from '../runtime/redis/client.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { KnownStreams } from './known-streams.ts';
import { partitionStates } from './partition-state.ts';
import { trimPartition } from './trim.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

async function place(keyPrefix: string) {
  const client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(client, 10_000));
  return {
    client,
    keyPrefix,
    partitions: 1,
    known: new KnownStreams('a/one'),
    [Symbol.dispose]: () => client.disconnect(),
  };
}

const wish = (maxLength: number, maxAgeMs: number) => ({ maxLength, maxAgeMs });
const hour = 3_600_000;

it('forgets what is older than the longest age that any resource wants', async () => {
  using at = await place('age:');
  const now = Date.now();
  for (const age of [3 * hour, 1.5 * hour, 0.5 * hour]) await at.client.xadd('age:{0}:events', now - age, 'm', '1');
  await at.client.hset('age:{0}:meta', 'retention:b/two', JSON.stringify(wish(10, 2 * hour)));
  await trimPartition(at, 0, { who: 'me', resource: 'a/one', retention: wish(100, hour), logger: silentLogger });
  assert.equal(await at.client.xlen('age:{0}:events'), 2);
  const wishes = await at.client.hget('age:{0}:meta', 'retention:a/one');
  assert.equal(wishes, '{"maxLength":100,"maxAgeMs":3600000}');
});

it('records up to where entries are gone, so that an idle stream that was emptied is no gap for its readers', async () => {
  using at = await place('record:');
  const trim = () =>
    trimPartition(at, 0, { who: 'me', resource: 'a/one', retention: wish(100, hour), logger: silentLogger });
  const trimmed = async () => (await partitionStates(at))[0]?.trimmed;
  await partitionStates(at);
  assert.equal(await trimmed(), '0-0');
  await at.client.xadd('record:{0}:events', '5-0', 'm', '1');
  await trim();
  assert.equal(await trimmed(), '5-0');
  const kept = Date.now();
  await at.client.xadd('record:{0}:events', '7-1', 'm', '1');
  await at.client.xadd('record:{0}:events', `${kept}-2`, 'm', '1');
  assert.equal(await trimmed(), '5-0');
  await trim();
  assert.equal(await trimmed(), `${kept}-1`);
  await at.client.xtrim('record:{0}:events', 'MAXLEN', '=', 0);
  assert.equal(await trimmed(), `${kept}-2`);
});

it('keeps about as many entries as the longest length says', async () => {
  using at = await place('length:');
  for (let n = 0; n < 1_000; n += 1) void at.client.xadd('length:{0}:events', '*', 'm', '1');
  await trimPartition(at, 0, { who: 'me', resource: 'a/one', retention: wish(200, hour), logger: silentLogger });
  const length = await at.client.xlen('length:{0}:events');
  assert.ok(length >= 200 && length <= 300, `${length} entries`);
});

it('leaves the trimming to the replica that has the turn', async () => {
  using at = await place('turn:');
  await at.client.set('turn:{0}:trim', 'another');
  await at.client.xadd('turn:{0}:events', '1-0', 'm', '1');
  await trimPartition(at, 0, { who: 'me', resource: 'a/one', retention: wish(100, hour), logger: silentLogger });
  assert.equal(await at.client.xlen('turn:{0}:events'), 1);
  await at.client.del('turn:{0}:trim');
  await trimPartition(at, 0, { who: 'me', resource: 'a/one', retention: wish(100, hour), logger: silentLogger });
  assert.equal(await at.client.xlen('turn:{0}:events'), 0);
});
