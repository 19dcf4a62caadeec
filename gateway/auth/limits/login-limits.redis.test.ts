import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../../runtime/redis/client.ts';
import { startRedis } from '../../../testing/redis-server.ts';
import { LockoutsUnavailable } from './lockout-registry.ts';
import { createLoginLimits, type LoginLimits, type LoginTry } from './login-limits.ts';

const names = { prefix: 'test:', resource: 'default/firehose' };

async function replicas(url: string, count: number) {
  const clients = Array.from({ length: count }, () => commandClient(url, { logger: silentLogger, name: 'test' }));
  for (const client of clients) assert.ok(await becomesReady(client, 5_000));
  const lockouts: string[] = [];
  const limits = clients.map((redis) =>
    createLoginLimits({
      redis,
      ...names,
      hashesPerSecond: 1_000_000,
      onLockout: ({ id }) => lockouts.push(id),
      now: Date.now,
    }),
  );
  return { clients, limits, lockouts, [Symbol.dispose]: () => clients.forEach((client) => client.disconnect()) };
}

const eva: LoginTry = { user: 'eva', domain: 'acme', account: 'acc', address: '192.0.2.1', holdsToken: false };

async function fail(limits: LoginLimits | undefined, attempt: LoginTry): Promise<boolean> {
  const admission = await limits?.admit(attempt, false);
  if (admission?.kind !== 'admitted') return false;
  await admission.finish('wrong_credentials');
  return true;
}

test('three replicas share one limit, in parallel too, and counters hold no names or addresses', async () => {
  await using server = await startRedis();
  using all = await replicas(server.url, 3);
  const admissions = await Promise.all(
    all.limits.flatMap((limits) => Array.from({ length: 20 }, () => limits.admit(eva, false))),
  );
  const admitted = admissions.filter((admission) => admission.kind === 'admitted');
  assert.ok(admitted.length <= 10, `${admitted.length} tries were admitted`);
  await Promise.all(admitted.map((admission) => admission.finish('not_judged')));
  // With sequential tries the limit is exact: tries that were taken in parallel were given back.
  let failures = 0;
  for (let at = 0; at < 30; at += 1) if (await fail(all.limits[at % 3], eva)) failures += 1;
  assert.equal(failures, 10);
  for (const limits of all.limits) assert.notEqual((await limits.check(eva)).delay, null);
  const keys = (await all.clients[0]?.keys('*')) ?? [];
  assert.ok(keys.length >= 3);
  for (const key of keys) assert.doesNotMatch(key, /eva|acme|192/);
});

test('a device that is known to one replica is known to the others', async () => {
  await using server = await startRedis();
  using all = await replicas(server.url, 2);
  const admission = await all.limits[0]?.admit(eva, false);
  assert.ok(admission?.kind === 'admitted');
  await admission.finish('right_credentials');
  for (let at = 0; at < 100; at += 1) {
    assert.ok(await fail(all.limits[0], { ...eva, address: `198.51.100.${Math.floor(at / 9)}` }));
  }
  assert.equal((await all.limits[1]?.check({ ...eva, address: '203.0.113.1' }))?.delay?.scope, 'user');
  assert.equal((await all.limits[1]?.check(eva))?.delay, null);
});

test('a lock-out is told once over all replicas, listed by each and lifted for all', async () => {
  await using server = await startRedis();
  using all = await replicas(server.url, 3);
  for (let at = 0; at < 20; at += 1) await fail(all.limits[at % 3], eva);
  assert.equal(all.lockouts.length, 1);
  const [id = ''] = all.lockouts;
  for (const { lockouts } of all.limits) {
    const [listed, ...others] = await lockouts.list();
    assert.deepEqual([listed?.id, listed?.username, listed?.address, others.length], [id, 'eva', '192.0.2.1', 0]);
  }
  assert.ok(((await all.clients[0]?.pttl('test:default/firehose:limit:lockouts')) ?? 0) > 0);
  assert.deepEqual(await all.limits[1]?.lockouts.lift({ username: 'eva' }), [id]);
  for (const limits of all.limits) {
    assert.equal((await limits.check(eva)).delay, null);
    assert.deepEqual(await limits.lockouts.list(), []);
  }
});

test('while Redis is away each process limits by itself, and lock-outs cannot be listed', async () => {
  await using server = await startRedis();
  using all = await replicas(server.url, 1);
  await server.kill();
  let admitted = 0;
  for (let at = 0; at < 15; at += 1) if (await fail(all.limits[0], eva)) admitted += 1;
  assert.equal(admitted, 10);
  assert.equal(all.lockouts.length, 1);
  await assert.rejects(all.limits[0]?.lockouts.list() ?? Promise.resolve(), LockoutsUnavailable);
});
