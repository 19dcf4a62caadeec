import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { ACCOUNT, pendingInRedis, publish, RESOURCE } from '../testing/group-replica.ts';
import { until } from '../../testing/until.ts';
import { createGroup } from './create-groups.ts';
import { keepDeadLetter } from './dead-letters.ts';
import { acquireLease, releaseLease } from './lease.ts';
import { readPending } from './pending.ts';
import { groupPlace } from './place.ts';
import { takeTurn } from './turn.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

async function partition() {
  const client = commandClient(redis.url, { logger: silentLogger, name: 'test:lease' });
  assert.ok(await becomesReady(client, 10_000));
  const log = { client, keyPrefix: `${randomUUID()}:`, partitions: 1 };
  const place = groupPlace(log, 0, { resource: RESOURCE, group: 'default', account: ACCOUNT });
  await createGroup(place, { partitions: 1, start: '0' });
  await publish(log, [{ call: 'call', n: 0 }]);
  return { log, place, [Symbol.asyncDispose]: () => Promise.resolve(client.disconnect()) };
}

const nothing = { acknowledge: [], attempts: [], lastRead: '' };
const acquire = (place: Parameters<typeof acquireLease>[0], replica: string, ttlMs = 60_000) =>
  acquireLease(place, { replica, ttlMs });

it('one has it at a time, each with a greater token than the one before', async () => {
  await using one = await partition();
  const first = await acquire(one.place, 'a');
  assert.ok(first);
  assert.equal(await acquire(one.place, 'b'), null);
  assert.equal(await acquire(one.place, 'a'), null);
  await releaseLease(one.place, first);
  const second = await acquire(one.place, 'b');
  assert.equal(second?.token, first.token + 1);
  // A late release has no effect.
  await releaseLease(one.place, first);
  assert.equal(await acquire(one.place, 'c'), null);
});

it('a former owner reads, acknowledges, recovers and gives up nothing, and takes nothing that the new one would miss', async () => {
  await using one = await partition();
  const former = await acquire(one.place, 'a', 50);
  assert.ok(former);
  await until('the lease taken over', () => acquire(one.place, 'b'));
  assert.deepEqual(await takeTurn(one.place, former, { ...nothing, count: 10 }), { held: false });
  assert.equal(await pendingInRedis(one.log), 0);
  assert.equal(await readPending(one.place, former, { after: null, count: 10 }), null);
  const letter = {
    id: '1-1',
    reason: 'terminated',
    attempts: 1,
    error: '',
    metaLine: '',
    data: Buffer.from('{}'),
  } as const;
  assert.equal(await keepDeadLetter(one.place, former, { ...letter, maxLength: 1 }), false);
  assert.equal(await one.log.client.exists(one.place.dead), 0);
});

it('a lease whose fence is gone is no lease: it is given up, for anybody to take', async () => {
  await using one = await partition();
  const lease = await acquire(one.place, 'a');
  assert.ok(lease);
  await one.log.client.del(lease.fence);
  assert.deepEqual(await takeTurn(one.place, lease, { ...nothing, count: 10 }), { held: false });
  assert.equal(await pendingInRedis(one.log), 0);
  assert.ok(await acquire(one.place, 'b'));
});

it('a turn says and reads in one go, and again is the same as once', async () => {
  await using one = await partition();
  const lease = await acquire(one.place, 'a');
  assert.ok(lease);
  const read = await takeTurn(one.place, lease, { ...nothing, count: 10 });
  assert.ok(read.held && read.entries.length === 1);
  const id = read.entries[0]?.id ?? '';
  for (let again = 0; again < 2; again += 1) {
    await takeTurn(one.place, lease, { ...nothing, attempts: [id, 3], count: 0 });
    const page = await readPending(one.place, lease, { after: null, count: 10 });
    assert.deepEqual(
      page?.entries.map(({ attempts }) => attempts),
      [3],
    );
  }
  for (let again = 0; again < 2; again += 1)
    await takeTurn(one.place, lease, { ...nothing, acknowledge: [id], count: 0 });
  assert.equal(await pendingInRedis(one.log), 0);
  assert.equal(await one.log.client.exists(one.place.attempts), 0);
});
