import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { GrantStoreUnavailable, redisGrantStore } from './grant-store.ts';
import { createLoginLimits } from './login-limits.ts';

const names = { prefix: 'test:', resource: 'default/firehose' };

async function replicas(url: string, count: number) {
  const clients = Array.from({ length: count }, () => commandClient(url, { logger: silentLogger, name: 'test' }));
  for (const client of clients) assert.ok(await becomesReady(client, 5_000));
  const limits = clients.map((redis) => createLoginLimits({ redis, ...names, hashesPerSecond: 1_000_000 }));
  return { clients, limits, [Symbol.dispose]: () => clients.forEach((client) => client.disconnect()) };
}

const eva = { user: 'eva', domain: 'acme', address: '192.0.2.1' };

test('three replicas share one limit, in parallel too, and Redis holds no names or addresses', async () => {
  await using server = await startRedis();
  using all = await replicas(server.url, 3);
  const admissions = await Promise.all(
    all.limits.flatMap((limits) => Array.from({ length: 20 }, () => limits.admit(eva))),
  );
  const admitted = admissions.filter((admission) => admission.kind === 'admitted');
  assert.ok(admitted.length <= 10, `${admitted.length} tries were admitted`);
  await Promise.all(admitted.map((admission) => admission.settle('not_judged')));
  // One after the other the limit is exact: what was taken in parallel was given back.
  let failures = 0;
  for (let index = 0; index < 30; index += 1) {
    const admission = await all.limits[index % 3]?.admit(eva);
    if (admission?.kind !== 'admitted') continue;
    await admission.settle('wrong_credentials');
    failures += 1;
  }
  assert.equal(failures, 10);
  for (const limits of all.limits) assert.notEqual(await limits.check(eva), null);
  const keys = (await all.clients[0]?.keys('*')) ?? [];
  assert.ok(keys.length >= 3);
  for (const key of keys) assert.doesNotMatch(key, /eva|acme|192/);
});

test('where a user has logged in from is known to the other replicas', async () => {
  await using server = await startRedis();
  using all = await replicas(server.url, 2);
  const admission = await all.limits[0]?.admit(eva);
  assert.ok(admission?.kind === 'admitted');
  await admission.settle('right_credentials');
  for (let index = 0; index < 200; index += 1) {
    const attack = await all.limits[0]?.admit({ ...eva, address: `198.51.100.${Math.floor(index / 10)}` });
    assert.ok(attack?.kind === 'admitted');
    await attack.settle('wrong_credentials');
  }
  assert.notEqual(await all.limits[1]?.check({ ...eva, address: '203.0.113.1' }), null);
  assert.equal(await all.limits[1]?.check(eva), null);
});

test('while Redis is away each process limits by itself', async () => {
  await using server = await startRedis();
  using all = await replicas(server.url, 1);
  await server.kill();
  let admitted = 0;
  for (let index = 0; index < 15; index += 1) {
    const admission = await all.limits[0]?.admit(eva);
    if (admission?.kind !== 'admitted') continue;
    await admission.settle('wrong_credentials');
    admitted += 1;
  }
  assert.equal(admitted, 10);
});

test('a grant is kept in Redis until its end, and a Redis that is away is unavailable', async () => {
  await using server = await startRedis();
  using all = await replicas(server.url, 1);
  const [redis] = all.clients;
  assert.ok(redis);
  const store = redisGrantStore(redis, names);
  await store.put('id', '{"a":1}', 60_000);
  assert.equal(await store.get('id'), '{"a":1}');
  assert.ok((await redis.pttl('test:default/firehose:grant:id')) > 0);
  assert.equal(await store.get('other'), null);
  await server.kill();
  await assert.rejects(store.get('id'), GrantStoreUnavailable);
});
