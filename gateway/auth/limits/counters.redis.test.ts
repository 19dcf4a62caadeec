import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../../runtime/redis/client.ts';
import { startRedis } from '../../../testing/redis-server.ts';
import { createCounters } from './counters.ts';
import { createLoginLimits } from './login-limits.ts';

const PLACE = { prefix: 'test:', resource: 'a/b' };

async function opened(url: string) {
  const redis = commandClient(url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(redis, 5_000));
  return { redis, [Symbol.dispose]: () => redis.disconnect() };
}

async function scriptCalls(redis: RedisClient): Promise<number> {
  const stats = await redis.info('commandstats');
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

test('a counter in Redis counts, ends, and is dropped, as one of this process does', async () => {
  await using server = await startRedis();
  using client = await opened(server.url);
  for (const redis of [client.redis, null]) {
    const counter = createCounters({ redis, ...PLACE })('kind');
    assert.deepEqual(await counter.add('a', -1, 60), { count: 0, leftMs: 0 });
    assert.equal((await counter.add('a', 1, 60)).count, 1);
    const { count, leftMs } = await counter.add('a', 2, 600);
    assert.ok(count === 3 && leftMs > 50_000 && leftMs <= 60_000, `${leftMs}`);
    assert.equal((await counter.add('a', -1, 60)).count, 2);
    await counter.put('a', 60);
    assert.equal((await counter.see('a')).count, 1);
    await counter.drop('a');
    assert.deepEqual(await counter.see('a'), { count: 0, leftMs: 0 });
  }
});

test('a thousand logins that come at once cost Redis a few calls, and each is counted', async () => {
  await using server = await startRedis();
  using client = await opened(server.url);
  const limits = createLoginLimits({
    redis: client.redis,
    ...PLACE,
    hashesPerSecond: 1_000_000,
    onLockout: () => undefined,
    now: Date.now,
  });
  const before = await scriptCalls(client.redis);
  const kinds = await Promise.all(
    Array.from({ length: 1_000 }, async (_, at) => {
      const attempt = {
        user: `user-${at}`,
        domain: 'd',
        account: null,
        address: `10.0.${at >> 8}.${at & 255}`,
        holdsToken: false,
      };
      const { delay, isKnown } = await limits.check(attempt);
      assert.equal(delay, null);
      return (await limits.admit(attempt, isKnown)).kind;
    }),
  );
  assert.ok(kinds.every((kind) => kind === 'admitted'));
  const calls = (await scriptCalls(client.redis)) - before;
  assert.ok(calls <= 50, `${calls} calls`);
  const keys = await client.redis.keys('test:a/b:limit:pair:*');
  assert.equal(keys.length, 1_000);
});

test('one step that cannot be done in Redis is done in this process, and those beside it too', async () => {
  await using server = await startRedis();
  using client = await opened(server.url);
  await client.redis.hset('test:a/b:limit:kind:foreign', 'field', '1');
  const counter = createCounters({ redis: client.redis, ...PLACE })('kind');
  const [foreign, other] = await Promise.all([counter.add('foreign', 1, 60), counter.add('other', 1, 60)]);
  assert.deepEqual([foreign.count, other.count], [1, 1]);
});
