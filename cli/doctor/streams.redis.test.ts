import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { startGateway, type StartOptions } from '../../gateway/testing/running-gateway.ts';
import { groupKeys, groupName, streamKeys } from '../../protocol/keys.ts';
import { ask } from '../../testing/redis-process.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { diagnose } from './doctor.ts';
import { ofCheck, settings } from './testing.ts';

const LIMIT = { timeout: 60_000 };
const ADMIN = '91eb05e5c68d7ca05e7618b6821d2d16';
const GROUP = groupName('default/quickstart', 'default', ADMIN);
const keys = streamKeys('firehose:', 0);
const DTMF = '{"Event-Name":"DTMF","Call-ID":"c","Account-ID":"account_id_1"}';

describe('streams, groups and replicas as they are in Redis', () => {
  let redis: RedisServer;
  before(async () => {
    redis = await startRedis({ args: ['--maxmemory', '512mb', '--maxmemory-policy', 'noeviction'] });
  });
  after(() => redis.stop());
  beforeEach(() => ask(redis.port, ['flushall']));

  const tell = (...command: (string | number)[]) => ask(redis.port, command);

  /** `status: seen` of each finding of a check. */
  async function look(check: string, spec: object = {}): Promise<string[]> {
    await using given = await settings(spec, { REDIS_URL: redis.url });
    const findings = ofCheck(await diagnose(given.environment), check);
    for (const { status, fix } of findings) assert.equal(fix === null, status === 'ok');
    return findings.map(({ status, seen }) => `${status}: ${seen}`);
  }

  /** One partition, created by a gateway that has ended. */
  async function made(options: StartOptions = {}): Promise<void> {
    await using running = await startGateway({ redisUrl: redis.url, stream: { partitions: 1 }, ...options });
    assert.equal((await running.ingest(DTMF)).status, 200);
  }
  const ONE = { stream: { partitions: 1 } };

  it('nothing is there yet, and looking makes nothing', LIMIT, async () => {
    assert.deepEqual(await look('streams'), ['ok: are not there yet: made by the first start']);
    assert.deepEqual(await tell('keys', '*'), []);
  });

  it('another number of partitions, in either direction', LIMIT, async () => {
    await made();
    assert.deepEqual(await look('streams', ONE), ['ok: 1 partitions, each with its epoch']);
    assert.deepEqual(await look('streams'), ['fail: have 1 partitions, spec.stream.partitions is 4']);
    await tell('flushall');
    await made({ stream: { partitions: 4 } });
    assert.deepEqual(await look('streams', ONE), ['fail: have 4 partitions, spec.stream.partitions is 1']);
  });

  it('a stream that was deleted, an epoch that is gone, a format of another version', LIMIT, async () => {
    await made();
    const gone = ['warn: stream or epoch of partition 0 is gone: deleted, or its shard was lost'];
    await tell('hdel', keys.meta, 'epoch');
    assert.deepEqual(await look('streams', ONE), gone);
    await tell('hset', keys.meta, 'epoch', 'e', 'format', '9');
    assert.deepEqual(await look('streams', ONE), ['fail: are of format 9, this version reads 1']);
    await tell('hset', keys.meta, 'format', '1');
    await tell('del', keys.events);
    assert.deepEqual(await look('streams', ONE), gone);
  });

  it('something else under a key of the streams', LIMIT, async () => {
    await made();
    await tell('set', keys.events, 'x');
    assert.deepEqual(await look('streams', ONE), ['fail: cannot be read (WRONGTYPE)']);
  });

  it('an id from the future', LIMIT, async () => {
    await made();
    assert.deepEqual(await look('streams.ids', ONE), []);
    await tell('xadd', keys.events, `${Date.now() + 3_600_000}-0`, 'd', 'x');
    const [found = ''] = await look('streams.ids', ONE);
    assert.match(found, /^warn: the last id of partition 0 lies 3\d{3} s in the future \(\d+-0\)$/);
    await tell('xadd', keys.events, '18446744073709551615-18446744073709551615', 'd', 'x');
    assert.match((await look('streams.ids', ONE))[0] ?? '', /^fail: partition 0 takes no event: /);
  });

  it('events of accounts that the directory lacks', LIMIT, async () => {
    await made();
    assert.deepEqual(await look('streams.accounts', ONE), []);
    for (const account of ['new', '']) await tell('xadd', keys.events, '*', 'm', `1\tDTMF\t${account}`, 'd', DTMF);
    const [found = ''] = await look('streams.accounts', ONE);
    assert.match(found, /^warn: 2 of 3 recent events are of accounts that the directory lacks \(new, no account\)$/);
    await tell('hset', keys.meta, 'retention:other/resource', '{"maxLength":1,"maxAgeMs":1}');
    assert.deepEqual(await look('streams.accounts', ONE), []);
  });

  it('more to keep than there is memory for', LIMIT, async () => {
    await made();
    const retention = (maxLength: number) => ({ stream: { partitions: 1, retention: { maxLength } } });
    assert.match((await look('streams.room', retention(10_000)))[0] ?? '', /^ok: 1 events; full .* MiB free$/);
    assert.match((await look('streams.room', retention(10_000_000)))[0] ?? '', /^warn: .* MiB are free$/);
  });

  it('a group that is missing, behind, or has given events up', LIMIT, async () => {
    await using running = await startGateway({ redisUrl: redis.url, stream: { partitions: 1 } });
    assert.deepEqual(await look('group', ONE), ['ok: is not used yet']);
    const client = await running.connect(`?token=${await running.token()}&group=default&v=1`);
    client.close();
    await until('the event accepted', async () => (await running.ingest(DTMF)).status === 200);
    await until('the lease given up', async () => (await tell('exists', `firehose:{0}:group:${GROUP}:owner`)) === 0);
    await tell('xgroup', 'setid', keys.events, GROUP, '0', 'entriesread', 0);
    assert.deepEqual(await look('group', ONE), ['ok: 1 behind, 0 pending, 0 dead letters, 1 accounts']);
    const small = { stream: { partitions: 1, retention: { maxLength: 1 } } };
    assert.match((await look('group', small))[0] ?? '', /^warn: 1 behind.* 100 % of retention.maxLength/);
    await tell('xadd', groupKeys('firehose:', 0, GROUP).dead, '*', 'reason', 'x');
    assert.deepEqual(await look('group', ONE), ['warn: 1 behind, 0 pending, 1 dead letters, 1 accounts']);
    await tell('xgroup', 'destroy', keys.events, GROUP);
    assert.deepEqual(await look('group', ONE), ['warn: is missing in 1 of 1 partitions']);
  });

  it('replicas that cannot verify what the others sign', LIMIT, async () => {
    const options: StartOptions = { redisUrl: redis.url, stream: { partitions: 1 } };
    await using first = await startGateway(options);
    await using second = await first.another();
    assert.match((await look('replicas', ONE))[0] ?? '', /^ok: 2 alive, 0 connections$/);
    await using stranger = await startGateway(options);
    assert.ok(stranger.gateway.port !== second.gateway.port);
    assert.match((await look('replicas', ONE))[0] ?? '', /^fail: .* cannot verify what another replica signs$/);
  });
});
