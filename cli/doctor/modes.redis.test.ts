import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startGateway } from '../../gateway/testing/running-gateway.ts';
import { aclRules } from '../../runtime/redis/acl.ts';
import { startCluster, type RedisCluster } from '../../testing/redis-cluster.ts';
import { ask } from '../../testing/redis-process.ts';
import { MASTER_NAME, startSentinel, type RedisSentinel } from '../../testing/redis-sentinel.ts';
import { freePort } from '../../testing/free-port.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { diagnose } from './doctor.ts';
import { ofCheck, settings, troubles } from './testing.ts';
import { until } from '../../testing/until.ts';

const LIMIT = { timeout: 90_000 };
const PASSWORD = 'canary-of-the-user';
const SENTINEL_PASSWORD = 'canary-of-the-sentinels';
const USER = `firehose ${aclRules()} >${PASSWORD}`;
const FULL = ['--appendonly', 'yes', '--maxmemory', '4gb', '--maxmemory-policy', 'noeviction'];
const withUser = (url: string) => url.replace('redis://', `redis://firehose:${PASSWORD}@`);

async function look(url: string, redis: object, environment: object = {}) {
  await using given = await settings({ redis }, { REDIS_URL: url, ...environment });
  const findings = await diagnose(given.environment);
  assert.doesNotMatch(JSON.stringify(findings), /canary/);
  return findings.filter(({ check }) => !check.startsWith('gateway.'));
}

describe('behind sentinels', () => {
  const SENTINELS = { mode: 'Sentinel', sentinel: { masterName: MASTER_NAME } };
  const LOGIN = { REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD };
  let sentinel: RedisSentinel;
  before(async () => {
    sentinel = await startSentinel({ args: FULL, users: [USER], sentinelPassword: SENTINEL_PASSWORD });
  });
  after(() => sentinel[Symbol.asyncDispose]());

  it('as it should be: master and replica are both looked at', LIMIT, async () => {
    const findings = await look(withUser(sentinel.url), SENTINELS, LOGIN);
    assert.deepEqual(troubles(findings), []);
    const addresses = ofCheck(findings, 'redis.version').map(({ subject }) => subject);
    assert.deepEqual(addresses.toSorted(), sentinel.servers.map(({ port }) => `127.0.0.1:${port}`).toSorted());
    assert.match(
      ofCheck(findings, 'redis.sentinels')[0]?.seen ?? '',
      /^3 sentinels name 127.0.0.1:\d+, with 1 replicas$/,
    );
  });

  it('a master that they do not know, a login that they do not take', LIMIT, async () => {
    const other = { mode: 'Sentinel', sentinel: { masterName: 'another' } };
    const unknown = troubles(await look(withUser(sentinel.url), other, LOGIN));
    assert.deepEqual(unknown, Array(3).fill('fail redis.sentinel: cannot be used (UNKNOWN_MASTER)'));
    const refused = await look(withUser(sentinel.url), SENTINELS, { REDIS_SENTINEL_PASSWORD: 'canary' });
    assert.deepEqual(troubles(refused), Array(3).fill('fail redis.sentinel: cannot be used (WRONGPASS)'));
    const without = await look(withUser(sentinel.url), SENTINELS);
    assert.deepEqual(troubles(without), Array(3).fill('fail redis.sentinel: cannot be used (NOAUTH)'));
    assert.match(without.find(({ status }) => status === 'fail')?.fix ?? '', /REDIS_SENTINEL_PASSWORD/);
  });

  it('a sentinel that is not there, and one that is a Redis', LIMIT, async () => {
    await using plain = await startRedis({ args: ['--requirepass', SENTINEL_PASSWORD] });
    const [first = 0, second = 0] = sentinel.sentinelPorts;
    const ports = [first, second, await freePort(), plain.port];
    const url = withUser(`redis://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`);
    const found = troubles(await look(url, SENTINELS, LOGIN));
    assert.deepEqual(found, [
      'fail redis.sentinel: cannot be used (UNREACHABLE)',
      'fail redis.sentinel: cannot be used (ERR)',
      'warn redis.sentinels: 2 of 4 sentinels answer',
    ]);
  });

  it('a replica whose users are not those of the master: found before the failover', LIMIT, async () => {
    const master = await sentinel.master();
    const replica = sentinel.servers.find(({ port }) => port !== master.port);
    await ask(replica?.port ?? 0, ['acl', 'setuser', 'firehose', '-xadd']);
    const lacking = await look(withUser(sentinel.url), SENTINELS, LOGIN);
    assert.deepEqual(troubles(lacking), ['fail redis.permissions: the user firehose lacks +xadd']);
    await ask(replica?.port ?? 0, ['acl', 'deluser', 'firehose']);
    const unknown = await look(withUser(sentinel.url), SENTINELS, LOGIN);
    assert.deepEqual(troubles(unknown), ['warn redis.server: cannot be used (WRONGPASS)']);
  });

  it('no replica at all', LIMIT, async () => {
    await using alone = await startSentinel({ args: FULL, users: [USER], replicas: 0 });
    const found = troubles(await look(withUser(alone.url), SENTINELS));
    assert.deepEqual(found, ['warn redis.sentinels: the master has no replica']);
  });
});

describe('a cluster', () => {
  const CLUSTER = { mode: 'Cluster' };
  let cluster: RedisCluster;
  before(async () => {
    cluster = await startCluster({ replicas: 1, args: FULL, users: [USER] });
    // A replica is named once it has received data and confirmed it.
    await Promise.all(cluster.masters.map(({ port, id }) => ask(port, ['publish', id, 'x'])));
    await until('slots with their replicas', async () => {
      // From the view of each node: the doctor uses the one that answers first.
      const seen = await Promise.all(
        [...cluster.masters, ...cluster.replicas].map(({ port }) => ask(port, ['cluster', 'slots'])),
      );
      return (seen as unknown[][][]).every((slots) => slots.length === 3 && slots.every(({ length }) => length === 4));
    });
  });
  after(() => cluster[Symbol.asyncDispose]());

  it('as it should be: every node is looked at, and the streams through all of them', LIMIT, async () => {
    await using running = await startGateway({ redisUrl: withUser(cluster.url), redis: CLUSTER });
    await running.ingest('{"Event-Name":"DTMF","Call-ID":"c","Account-ID":"account_id_1"}');
    const findings = await look(withUser(cluster.url), CLUSTER);
    assert.deepEqual(troubles(findings), []);
    assert.equal(ofCheck(findings, 'redis.version').length, 6);
    assert.deepEqual(
      ['redis.cluster', 'streams', 'group', 'replicas'].map((check) => ofCheck(findings, check)[0]?.seen),
      [
        '3 masters, 3 replicas, all slots',
        '4 partitions, each with its epoch',
        'is not used yet',
        '1 alive, 0 connections',
      ],
    );
  });

  it('that is taken for a single server, and a single server that is taken for one', LIMIT, async () => {
    const [first] = cluster.masters;
    const asSingle = await look(withUser(first?.url ?? ''), {});
    assert.ok(troubles(asSingle, 'fail').includes('fail redis.mode: is a node of a cluster'), JSON.stringify(asSingle));
    await using single = await startRedis({ args: FULL, users: [USER] });
    const asCluster = await look(withUser(single.url), CLUSTER);
    assert.deepEqual(troubles(asCluster), ['fail redis.cluster: is no node of a cluster']);
  });

  it('a node that lacks a permission, a node that is not there, slots that nobody has', LIMIT, async () => {
    const [first, second] = cluster.masters;
    await ask(second?.port ?? 0, ['acl', 'setuser', 'firehose', '-xack']);
    const url = withUser(cluster.url).replace(/@[^,]+/, `@127.0.0.1:${await freePort()}`);
    const findings = await look(url, CLUSTER);
    assert.deepEqual(troubles(findings), [
      'fail redis.cluster: cannot be used (UNREACHABLE)',
      'fail redis.permissions: the user firehose lacks +xack',
    ]);
    await ask(second?.port ?? 0, ['acl', 'setuser', 'firehose', '+xack']);
    for (const { port } of [...cluster.masters, ...cluster.replicas]) await ask(port, ['cluster', 'delslots', 1, 2]);
    const holes = troubles(await look(withUser(first?.url ?? ''), CLUSTER), 'fail');
    assert.ok(holes.includes('fail redis.cluster: 2 of 16384 slots have no master'), holes.join('\n'));
  });
});
