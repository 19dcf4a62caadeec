import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { after, before, test } from 'node:test';
import { resourceKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { clusterConnection, startCluster } from '../../testing/redis-cluster.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { Quota } from './quota.ts';
import { redisSlots } from './shared-slots.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

let resources = 0;
function resource(most: number, lastsMs?: number) {
  resources += 1;
  const place = {
    prefix: 'test:',
    resource: `a/r${resources}`,
    ...(lastsMs !== undefined && { lastsMs }),
  };
  return {
    name: place.resource,
    key: (account: string) => resourceKeys('test:', place.resource).slots('account', account),
    async replica(renewEveryMs = 3_600_000) {
      const client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
      assert.ok(await becomesReady(client, 10_000));
      const shared = redisSlots(client, place);
      const quota = Quota.start({ of: 'account', most, shared, logger: silentLogger, renewEveryMs });
      return {
        quota,
        client,
        /** Like a process that is killed: nothing is released or renewed any more. */
        kill: () => client.disconnect(),
        async [Symbol.asyncDispose]() {
          await quota[Symbol.asyncDispose]();
          client.disconnect();
        },
      };
    },
  };
}

test('500 at once over three replicas: exactly as many as the quota get a place, and all of them come back', async () => {
  const at = resource(100);
  await using one = await at.replica();
  await using two = await at.replica();
  await using three = await at.replica();
  const replicas = [one, two, three];
  for (let round = 0; round < 3; round += 1) {
    const slots = await Promise.all(
      Array.from({ length: 500 }, (_, n) => (replicas[n % 3] as typeof one).quota.reserve('acme')),
    );
    assert.equal(slots.filter((slot) => slot !== null).length, 100);
    assert.equal(await one.client.zcard(at.key('acme')), 100);
    for (const slot of slots) slot?.release();
    await until('no slot taken', () => one.client.zcard(at.key('acme')), { holds: (seen) => seen === 0 });
  }
});

test('what a replica refuses leaves no slot taken, even when it renews meanwhile', async () => {
  const at = resource(3);
  await using one = await at.replica(1);
  await using two = await at.replica(1);
  await Promise.all(Array.from({ length: 3 }, () => one.quota.reserve('acme')));
  for (let n = 0; n < 200; n += 1) assert.equal(await two.quota.reserve('acme'), null);
  assert.equal(await one.client.zcard(at.key('acme')), 3);
});

test('the slots of a replica that was killed run out and go to others; those that are renewed do not', async () => {
  const at = resource(4, 3_000);
  await using alive = await at.replica(200);
  const killed = await at.replica(200);
  await Promise.all([alive.quota.reserve('acme'), alive.quota.reserve('acme')]);
  await Promise.all([killed.quota.reserve('acme'), killed.quota.reserve('acme')]);
  assert.equal(await alive.quota.reserve('acme'), null);
  killed.kill();
  const won: unknown[] = [];
  await until('2 slots reserved', async () => {
    const slot = await alive.quota.reserve('acme');
    if (slot !== null) won.push(slot);
    return won.length === 2;
  });
  assert.equal(await alive.quota.reserve('acme'), null);
  await killed.quota[Symbol.asyncDispose]();
});

test('a replica that leaves in order gives its slots back at once', async () => {
  const at = resource(2);
  await using stays = await at.replica();
  {
    await using leaves = await at.replica();
    await Promise.all([leaves.quota.reserve('acme'), leaves.quota.reserve('acme')]);
    assert.equal(await stays.quota.reserve('acme'), null);
  }
  assert.notEqual(await stays.quota.reserve('acme'), null);
});

test('what Redis has lost is counted again with the next renewal', async () => {
  const at = resource(2);
  await using one = await at.replica(50);
  await Promise.all([one.quota.reserve('acme'), one.quota.reserve('acme')]);
  await one.client.del(at.key('acme'));
  await until('2 slots taken', () => one.client.zcard(at.key('acme')), { holds: (seen) => seen === 2 });
});

test('while Redis is away each replica goes by its own count, and nobody waits', async () => {
  await using own = await startRedis();
  const client = commandClient(own.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(client, 10_000));
  const shared = redisSlots(client, { prefix: 'test:', resource: 'a/away' });
  await using quota = Quota.start({ of: 'account', most: 2, shared, logger: silentLogger, renewEveryMs: 50 });
  const first = await quota.reserve('acme');
  await own.kill();
  assert.notEqual(await quota.reserve('acme'), null);
  assert.equal(await quota.reserve('acme'), null);
  first?.release();
  assert.notEqual(await quota.reserve('acme'), null);
  await own.restart();
  // When Redis is back, it receives the connections that were admitted without it.
  const reader = new Redis(own.url);
  await until('2 slots taken', () => reader.zcard(resourceKeys('test:', 'a/away').slots('account', 'acme')), {
    holds: (seen) => seen === 2,
  });
  reader.disconnect();
  client.disconnect();
});

test('connections that come together get exactly the slots that are left, each all of its own or none', async () => {
  const at = resource(3);
  await using one = await at.replica();
  const shared = redisSlots(one.client, { prefix: 'test:', resource: at.name });
  const taken = await Promise.all(
    Array.from({ length: 10 }, (_, n) =>
      shared.take([
        { of: 'account', holder: 'acme', slot: `s${n}`, most: 4 },
        { of: 'user', holder: n % 2 === 0 ? 'even' : 'odd', slot: `s${n}`, most: 1 },
      ]),
    ),
  );
  assert.deepEqual(taken, [null, null, 1, 1, 1, 1, 1, 1, 1, 1]);
  assert.equal(await one.client.zcard(at.key('acme')), 2);
});

test('a cluster shares the slots of accounts and users as a single server does', async () => {
  await using cluster = await startCluster();
  const client = commandClient(clusterConnection(cluster.url), { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(client, 10_000));
  const shared = redisSlots(client, { prefix: 'test:', resource: 'a/cluster' });
  const ask = (holder: string, slot: string) =>
    shared.take([
      { of: 'account', holder: 'acme', slot, most: 2 },
      { of: 'user', holder, slot, most: 2 },
    ]);
  assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((name) => ask(name, name))), [null, null, 0]);
  client.disconnect();
});
