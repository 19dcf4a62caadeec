import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after as afterAll, before, describe, it } from 'node:test';
import { partitionOf } from '../protocol/partition.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { becomesReady } from '../runtime/redis/client.ts';
import { recordedLogger } from '../testing/recorded-logger.ts';
import { freePort } from '../testing/free-port.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { accepted, ends, event, eventLogSuite, readAll } from './event-log.suite.ts';
import { openRedisLog, type RedisLogOptions } from './redis-log.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

function open(options: Partial<RedisLogOptions> = {}) {
  const keyPrefix = `${randomUUID()}:`;
  const given = {
    redis: redis.url,
    keyPrefix,
    partitions: 4,
    resource: 'test/log',
    retention: null,
    logger: silentLogger,
  };
  return openRedisLog({ ...given, ...options });
}

eventLogSuite('Redis log', () => open());

describe('Redis log: entries of others', () => {
  it('reads what another client added by hand, with further fields and without ours', async () => {
    const keyPrefix = 'hand:';
    await using eventLog = await open({ keyPrefix });
    const start = await ends(eventLog);
    await using reader = eventLog.reader();
    await eventLog.client.xadd('hand:{2}:events', '*', 'm', '1\tCHANNEL_CREATE\tacme', 'd', '{"by":"hand"}');
    await eventLog.client.xadd('hand:{2}:events', '*', 'extra', 'x', 'd', '{}', 'm', '1\tDTMF\tacme');
    await eventLog.client.xadd('hand:{2}:events', '*', 'something', 'else');
    const entries = await readAll(reader, start, 3);
    assert.deepEqual(
      entries.map((entry) => [entry.partition, entry.meta, entry.data.toString()]),
      [
        [2, '1\tCHANNEL_CREATE\tacme', '{"by":"hand"}'],
        [2, '1\tDTMF\tacme', '{}'],
        [2, '', ''],
      ],
    );
  });

  it('says once that one partition takes nothing, however many events the others take, and once that all do', async () => {
    const keyPrefix = 'faulty:';
    const { logger: recorder, lines } = recordedLogger();
    await using eventLog = await open({ keyPrefix, logger: recorder });
    const calls = Array.from({ length: 8 }, (_, at) => event(`call-${at}`));
    const partitions = new Set(calls.map((one) => partitionOf(one, 4)));
    assert.equal(partitions.size, 4);
    await eventLog.client.del('faulty:{0}:events');
    await eventLog.client.set('faulty:{0}:events', 'something else');
    for (let turn = 0; turn < 3; turn += 1) for (const call of calls) await eventLog.append([call]);
    await eventLog.client.del('faulty:{0}:events');
    for (const call of calls) assert.notEqual((await eventLog.append([call]))[0]?.outcome, 'failed');
    const said = lines.map((line) => (JSON.parse(line) as { msg: string }).msg).filter((text) => /append/.test(text));
    assert.deepEqual(said, [
      'events cannot be appended: their producers receive an error',
      'events can be appended again',
    ]);
  });

  it('sees nothing of another prefix', async () => {
    await using one = await open();
    await using other = await open();
    await one.append([event('call')]);
    assert.deepEqual((await other.state()).newest, ['0-0', '0-0', '0-0', '0-0']);
    assert.notEqual((await one.state()).epoch, (await other.state()).epoch);
  });

  it('shares streams and epoch with a second gateway', async () => {
    await using one = await open({ keyPrefix: 'shared:' });
    await using other = await open({ keyPrefix: 'shared:' });
    const start = await ends(other);
    await using reader = other.reader();
    await one.append([event('call', '{"from":"one"}')]);
    assert.equal((await readAll(reader, start, 1))[0]?.data.toString(), '{"from":"one"}');
  });

  it('refuses another number of partitions', async () => {
    await using first = await open({ keyPrefix: 'layout:', partitions: 4 });
    await first.state();
    await using second = await open({ keyPrefix: 'layout:', partitions: 8 });
    await assert.rejects(second.state(), { code: 'PARTITIONS_MISMATCH' });
    const [outcome] = await second.append([event('call-0')]);
    assert.ok(outcome?.outcome === 'failed' || (outcome?.partition ?? 0) >= 4);
  });
});

describe('Redis log: refusals', () => {
  it('marks nothing as seen when the stream refuses the event', async () => {
    await using eventLog = await open({ keyPrefix: 'full:', partitions: 1 });
    await eventLog.state();
    await eventLog.client.config('SET', 'maxmemory', '1');
    const refused = await eventLog.append([event('call', '{}', 'kept'), event('call', '{}', 'kept too')]);
    await eventLog.client.config('SET', 'maxmemory', '0');
    assert.deepEqual(accepted(refused), ['failed OOM', 'failed OOM']);
    assert.deepEqual(accepted(await eventLog.append([event('call', '{}', 'kept')])), ['accepted']);
  });

  it('says WRONGTYPE when something else lies in the place of the stream', async () => {
    await using eventLog = await open({ keyPrefix: 'wrong:', partitions: 1 });
    await eventLog.client.del('wrong:{0}:events');
    await eventLog.client.set('wrong:{0}:events', 'text');
    await assert.rejects(eventLog.state(), { name: 'LogUnavailable', code: 'WRONGTYPE' });
    assert.deepEqual(accepted(await eventLog.append([event('call')])), ['failed WRONGTYPE']);
  });

  it('opens without Redis, and works once it is there', async () => {
    const port = await freePort();
    await using eventLog = await open({ redis: `redis://127.0.0.1:${port}` });
    await assert.rejects(eventLog.state(), { code: 'UNREACHABLE' });
    await assert.rejects(eventLog.range(0, '0-0', 1), { code: 'UNREACHABLE' });
    await using reader = eventLog.reader();
    const read = reader.read({ epoch: '', ids: [] }, { waitMs: 5, signal: AbortSignal.timeout(20_000) });
    await assert.rejects(read, { code: 'UNREACHABLE' });
    assert.deepEqual(accepted(await eventLog.append([event('call')])), ['failed UNREACHABLE']);
    await using late = await startRedis({ port });
    assert.equal(late.port, port);
    assert.ok(await becomesReady(eventLog.client, 10_000));
    assert.deepEqual(accepted(await eventLog.append([event('call')])), ['accepted']);
  });

  it('says why it gets no answer when the password is wrong', async () => {
    await using guarded = await startRedis({ args: ['--requirepass', 'right'] });
    await using eventLog = await open({ redis: `redis://:wrong@127.0.0.1:${guarded.port}` });
    assert.deepEqual(accepted(await eventLog.append([event('call')])), ['failed WRONGPASS']);
  });
});
