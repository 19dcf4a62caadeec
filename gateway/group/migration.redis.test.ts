import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { formerGroupName, groupKeys, replicaKeys, streamKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { declaredForAll, GRANT, pendingInRedis, publish, RESOURCE, startReplica } from '../testing/group-replica.ts';
import { listDeadLetters } from './dead-letters.ts';

const FORMER = formerGroupName(RESOURCE, 'default');
const OTHER = { account: 'other', accounts: null, events: null };
let redis: RedisServer;
let client: RedisClient;
before(async () => {
  redis = await startRedis();
  client = commandClient(redis.url, { logger: silentLogger, name: 'test:migration' });
  await becomesReady(client, 10_000);
});
after(async () => {
  client.disconnect();
  await redis.stop();
});

/**
 * A group as the former version left it: two events acknowledged, two pending (one delivered twice), two unread, one
 * dead.
 */
async function former() {
  const place = { client, keyPrefix: `${randomUUID()}:`, partitions: 1 };
  const { events, meta } = streamKeys(place.keyPrefix, 0);
  const keys = groupKeys(place.keyPrefix, 0, FORMER);
  await client.hset(meta, { epoch: 'e', partitions: '1', format: '1', [`group:${FORMER}`]: 'mark' });
  await client.xgroup('CREATE', events, FORMER, '$', 'MKSTREAM');
  const sent = Array.from({ length: 6 }, (_, n) => ({ call: `call-${n}`, n }));
  for (const one of sent.slice(0, 4)) await publish(place, [one]);
  const read = await client.xreadgroup('GROUP', FORMER, 'owner', 'STREAMS', events, '>');
  const ids = (read?.[0]?.[1] ?? []).map(([id]) => id);
  await client.xack(events, FORMER, ...ids.slice(0, 2));
  await client.hset(keys.attempts, ids[2] ?? '', '2');
  await client.incr(keys.token);
  for (const one of sent.slice(4)) await publish(place, [one]);
  const line = '1\tDTMF\tacme\tcall-x\tcall-x/0';
  await client.xadd(keys.dead, '*', 'reason', 'max_deliver', 'attempts', '5', 'm', line, 'd', '{}');
  return { ...place, keys, events, ids };
}

const replica = (keyPrefix: string, groups = declaredForAll({ name: 'default' })) =>
  startReplica({ url: redis.url, keyPrefix, partitions: 1, groups });

it("I1, I3: the resource's account inherits position, pending entries, attempts and dead letters; nothing acknowledged comes again", async () => {
  const place = await former();
  await using gateway = await replica(place.keyPrefix);
  const other = await gateway.connect({ grant: OTHER });
  const heir = await gateway.connect();
  await until('all that was not acknowledged', () => heir.ids.length, { holds: (seen) => seen >= 4 });
  await until('nothing pending', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 0 });
  const attempts = heir.received.map(({ id, attempt }) => `${id} ${attempt}`).toSorted();
  assert.deepEqual(attempts, ['call-2/2 3', 'call-3/3 1', 'call-4/4 1', 'call-5/5 1']);
  assert.deepEqual([heir.gaps, other.ids, other.gaps], [[], [], []]);
  const letters = await listDeadLetters({ ...place, resource: RESOURCE, group: 'default' });
  assert.deepEqual(
    letters.map(({ eventId, attempts }) => [eventId, attempts]),
    [['call-x/0', 5]],
  );
  const { keys } = place;
  assert.equal(await client.exists(keys.owner, keys.token, keys.attempts, keys.dead), 0);
});

it('a group that is declared for an account is its heir', async () => {
  const place = await former();
  await using gateway = await replica(place.keyPrefix, declaredForAll({ name: 'default', account: 'shop' }));
  const heir = await gateway.connect({ grant: { ...GRANT, account: 'shop' } });
  // The former group's events belong to the account above, which the heir does not see.
  await until('everything passed over', () => pendingInRedis(gateway.place, 'default', 'shop'), {
    holds: (seen) => seen === 0,
  });
  assert.equal(heir.ids.length, 0);
});

it('a former group that a late replica of the former version made is moved once that replica is gone', async () => {
  const keyPrefix = `${randomUUID()}:`;
  await using gateway = await replica(keyPrefix);
  const heir = await gateway.connect();
  const keys = replicaKeys(keyPrefix, RESOURCE);
  await client.zadd(keys.seen, Date.now() + 60_000, 'former');
  await client.set(keys.heartbeat('former'), JSON.stringify({ keys: [], connections: 1, groups: { default: 1 } }));
  const { events } = streamKeys(keyPrefix, 0);
  await client.xgroup('CREATE', events, FORMER, '$');
  await gateway.presence.beat();
  await client.zrem(keys.seen, 'former');
  const names = async () => JSON.stringify(await client.xinfo('GROUPS', events));
  await until('the former group gone', names, { holds: (seen) => !seen.includes(`"${FORMER}"`) });
  await publish(gateway.place, [{ call: 'a', n: 0 }]);
  await until('the event at the heir', () => heir.ids.length, { holds: (seen) => seen === 1 });
});

it('while a replica of the former version serves the group its heir waits, and all other accounts go on', async () => {
  const place = await former();
  const keys = replicaKeys(place.keyPrefix, RESOURCE);
  const record = { keys: [], connections: 1, groups: { default: 1 } };
  await client.zadd(keys.seen, Date.now() + 60_000, 'former');
  await client.set(keys.heartbeat('former'), JSON.stringify(record));
  await using gateway = await replica(place.keyPrefix);
  const admission = await gateway.groups.admit('default', GRANT);
  assert.ok(!admission.ok && admission.problem.code === 'group_migrating' && admission.problem.status === 503);
  assert.ok(admission.problem.headers?.['Retry-After']);
  assert.deepEqual(await gateway.groups.admit('default', OTHER), { ok: true });
  // Its connections are gone, but it still has the lease.
  await client.set(place.keys.owner, 'former:1');
  await client.zrem(keys.seen, 'former');
  await gateway.presence.beat();
  assert.equal((await gateway.groups.admit('default', GRANT)).ok, false);
  await client.del(place.keys.owner);
  const heir = await gateway.connect();
  await until('all that was not acknowledged', () => heir.ids.length, { holds: (seen) => seen === 4 });
});
