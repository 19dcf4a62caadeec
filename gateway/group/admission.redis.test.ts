import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { reportStreams } from '../../event-log/provisioning/report.ts';
import { accountsOfGroup, groupName } from '../../protocol/keys.ts';
import { compareIds } from '../../protocol/position.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { declared, declaredForAll, GRANT, pendingInRedis, RESOURCE, startReplica } from '../testing/group-replica.ts';
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
const MEMBERS = (keyPrefix: string) =>
  accountsOfGroup(keyPrefix, { resource: RESOURCE, group: 'default' }).members('acme');
const codeOf = (admission: Admission) => (admission.ok ? null : [admission.problem.status, admission.problem.code]);

it('a group that is not declared is refused, and the declared ones are named', async () => {
  await using gateway = await replica(`${randomUUID()}:`);
  const admission = await gateway.groups.admit('billing', GRANT);
  assert.deepEqual(codeOf(admission), [400, 'unknown_group']);
  assert.match(admission.ok ? '' : admission.problem.detail, /default/);
});

const NARROW = { ...GRANT, events: ['DTMF'] };

it('another grant of the account is refused on every replica, also when nobody is connected, and shown the one in force', async () => {
  const keyPrefix = `${randomUUID()}:`;
  await using first = await replica(keyPrefix);
  await using second = await replica(keyPrefix);
  const consumer = await first.connect({ grant: NARROW });
  for (const gateway of [first, second]) {
    const admission = await gateway.groups.admit('default', GRANT);
    assert.deepEqual(codeOf(admission), [409, 'group_grant_differs']);
    assert.ok(!admission.ok && admission.problem.headers?.['Retry-After']);
    assert.deepEqual(admission.problem.extra, { account: 'acme', grant: { accounts: null, events: ['DTMF'] } });
  }
  assert.deepEqual(await second.groups.admit('default', { ...NARROW, accounts: null }), { ok: true });
  consumer.membership.leave();
  assert.deepEqual(codeOf(await first.groups.admit('default', GRANT)), [409, 'group_grant_differs']);
});

it('T6: a group is taken over with regroup as soon as it is empty, on any replica, and not before', async () => {
  const keyPrefix = `${randomUUID()}:`;
  await using first = await replica(keyPrefix);
  await using second = await replica(keyPrefix);
  const regroup = { regroup: true };
  const consumer = await first.connect({ grant: NARROW });
  for (const gateway of [first, second])
    assert.deepEqual(codeOf(await gateway.groups.admit('default', GRANT, regroup)), [409, 'group_grant_differs']);
  consumer.membership.leave();
  await until('the claim withdrawn', async () => (await second.client.exists(MEMBERS(keyPrefix))) === 0);
  const next = await second.connect({ ...regroup, grant: GRANT });
  assert.deepEqual(codeOf(await first.groups.admit('default', NARROW, regroup)), [409, 'group_grant_differs']);
  next.membership.leave();
  // On the replica that they left, nothing waits for them.
  const back = await second.connect({ ...regroup, grant: NARROW });
  assert.equal(back.lost, null);
});

it('a group that is taken over goes on from its present position, and tells where that is', async () => {
  await using gateway = await replica(`${randomUUID()}:`);
  const consumer = await gateway.connect({ grant: NARROW });
  await gateway.publish([{ call: 'a', n: 0 }]);
  await until(
    'the event received and acknowledged',
    async () => consumer.ids.length === 1 && (await pendingInRedis(gateway.place)) === 0,
  );
  consumer.membership.leave();
  const [id = ''] = await gateway.publish([{ call: 'a', n: 1, name: 'CHANNEL_ANSWER' }]);
  const next = await gateway.connect({ regroup: true });
  await until('the next event received', () => next.ids.length === 1);
  assert.deepEqual(next.ids, ['a/1']);
  const [partition, entry = ''] = id.split(':');
  const position = next.position?.ids[Number(partition)] ?? '';
  assert.ok(compareIds(position, entry) < 0 && position !== '0-0', `${position} before ${entry}`);
});

it('a grant that another replica replaced ends the connections that still have it', async () => {
  const keyPrefix = `${randomUUID()}:`;
  await using first = await replica(keyPrefix);
  await using second = await replica(keyPrefix);
  const consumer = await first.connect({ grant: NARROW });
  // Like a replica that could not renew its claim: this one may renew it before the other one is admitted.
  await until('the grant replaced', async () => {
    await second.client.del(MEMBERS(keyPrefix));
    return second.connect({ regroup: true });
  });
  await until('the connection told', () => consumer.lost !== null);
  assert.equal(consumer.lost, 'grant_differs');
});

it('each account has a group of its own; a group that is declared for another one does not exist for it', async () => {
  const groups = declaredForAll({ name: 'default' }, { name: 'billing', account: 'shop' });
  await using gateway = await startReplica({ url: redis.url, keyPrefix: `${randomUUID()}:`, groups });
  assert.deepEqual(await gateway.groups.admit('default', GRANT), { ok: true });
  assert.deepEqual(await gateway.groups.admit('default', OTHER), { ok: true });
  assert.deepEqual(await gateway.groups.admit('billing', OTHER), { ok: true });
  const admission = await gateway.groups.admit('billing', GRANT);
  assert.deepEqual(codeOf(admission), [400, 'unknown_group']);
  assert.doesNotMatch(admission.ok ? '' : admission.problem.detail, /billing/);
});

it('accounts beyond maxAccounts are refused, until groups that nobody used for longer than the retention are removed', async () => {
  const groups = declaredForAll({ name: 'default', maxAccounts: 1 });
  const keyPrefix = `${randomUUID()}:`;
  await using gateway = await startReplica({ url: redis.url, keyPrefix, groups, retentionMs: 300 });
  const consumer = await gateway.connect();
  const refusal = await gateway.groups.admit('default', OTHER);
  assert.deepEqual(codeOf(refusal), [429, 'too_many_groups']);
  assert.ok(!refusal.ok && refusal.problem.headers?.['Retry-After']);
  consumer.membership.leave();
  await until('the other account admitted', async () => (await gateway.groups.admit('default', OTHER)).ok);
  const names = async () => (await reportStreams(gateway.client, gateway.place, [])).flatMap((report) => report.names);
  const left = [1, 2, 3, 4].map(() => groupName(RESOURCE, 'default', 'shop'));
  await until('its group alone', names, { holds: (seen) => seen.join() === left.join() });
});

it('I4: an account whose group was removed begins with the oldest event that is kept, and gets the gap', async () => {
  const groups = declaredForAll({ name: 'default' });
  const keyPrefix = `${randomUUID()}:`;
  await using gateway = await startReplica({ url: redis.url, keyPrefix, groups, retentionMs: 300 });
  const consumer = await gateway.connect();
  consumer.membership.leave();
  await gateway.publish([{ call: 'a', n: 0 }]);
  const { accounts } = accountsOfGroup(keyPrefix, { resource: RESOURCE, group: 'default' });
  await until(
    'the group removed',
    async () => (await gateway.client.hget(accounts, 'acme'))?.includes('"gone"') === true,
  );
  assert.deepEqual(codeOf(await gateway.groups.admit('default', GRANT)), [503, 'groups_unavailable']);
  // The replica that removes the group has 10 s for that: here it is over when no partition has the group.
  const name = groupName(RESOURCE, 'default', 'acme');
  const reports = () => reportStreams(gateway.client, gateway.place, []);
  await until('the group destroyed', async () => (await reports()).every(({ names }) => !names.join().includes(name)));
  await gateway.client.hset(accounts, 'acme', '{"since":1,"used":1,"grant":"","gone":1}');
  const back = await gateway.connect();
  await until('the event and the gap', () => back.ids.length === 1 && back.gaps.length === 1);
  assert.deepEqual([back.ids, back.gaps], [['a/0'], [{ reason: 'trimmed', ids: [], missed: null }]]);
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
