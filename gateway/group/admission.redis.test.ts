import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { declared, GRANT, startReplica } from '../testing/group-replica.ts';
import { until } from '../../testing/until.ts';
import type { Admission } from './groups.ts';
import { groupsWithoutRedis } from './without-redis.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

const replica = (keyPrefix: string, url = redis.url) => startReplica({ url, keyPrefix });
const OTHER = { account: 'shop', accounts: null, events: null };
const codeOf = (admission: Admission) => (admission.ok ? null : [admission.problem.status, admission.problem.code]);

it('a group that is not declared is refused, and the declared ones are named', async () => {
  await using gateway = await replica(`${randomUUID()}:`);
  const admission = await gateway.groups.admit('billing', GRANT);
  assert.deepEqual(codeOf(admission), [400, 'unknown_group']);
  assert.match(admission.ok ? '' : admission.problem.detail, /default/);
});

it('connections of another grant are refused on every replica while one is connected, and let in once none is', async () => {
  const keyPrefix = `${randomUUID()}:`;
  await using first = await replica(keyPrefix);
  await using second = await replica(keyPrefix);
  const consumer = await first.connect();
  assert.deepEqual(codeOf(await first.groups.admit('default', OTHER)), [403, 'group_grant_differs']);
  assert.deepEqual(codeOf(await second.groups.admit('default', OTHER)), [403, 'group_grant_differs']);
  assert.deepEqual(await second.groups.admit('default', { ...GRANT, events: null }), { ok: true });
  consumer.membership.leave();
  const another = await second.connect();
  another.membership.leave();
  // Who was admitted and has not joined holds the place for a while.
  assert.deepEqual(codeOf(await first.groups.admit('default', OTHER)), [403, 'group_grant_differs']);
});

it('the same accounts and events in another order are the same grant', async () => {
  await using gateway = await replica(`${randomUUID()}:`);
  const grant = (accounts: string[]) => ({ account: 'acme', accounts, events: ['DTMF', 'CHANNEL_CREATE'] });
  await gateway.connect({ grant: grant(['acme', 'shop']) });
  assert.deepEqual(await gateway.groups.admit('default', grant(['shop', 'acme'])), { ok: true });
});

it('Redis away is 503 with a time to come back, and goes by itself', async () => {
  await using own = await startRedis();
  await using gateway = await replica(`${randomUUID()}:`, own.url);
  await own.kill();
  const admission = await gateway.groups.admit('default', GRANT);
  assert.deepEqual(codeOf(admission), [503, 'groups_unavailable']);
  assert.ok(!admission.ok && admission.problem.headers?.['Retry-After']);
  await own.restart();
  await until('admission to the group', async () => (await gateway.groups.admit('default', GRANT)).ok);
});

it('a replica that drains admits nobody', async () => {
  await using gateway = await replica(`${randomUUID()}:`);
  await gateway.groups.drain(AbortSignal.abort());
  assert.deepEqual(codeOf(await gateway.groups.admit('default', GRANT)), [503, 'groups_unavailable']);
});

it('without Redis a declared group is 501, and another one unknown', async () => {
  const groups = groupsWithoutRedis(declared());
  assert.deepEqual(codeOf(await groups.admit('default', GRANT)), [501, 'groups_need_redis']);
  assert.deepEqual(codeOf(await groups.admit('billing', GRANT)), [400, 'unknown_group']);
});
