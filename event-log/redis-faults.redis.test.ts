import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Position } from '../protocol/position.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { startTcpProxy } from '../testing/tcp-proxy.ts';
import { accepted, after, ends, event, readAll } from './event-log.suite.ts';
import { LogUnavailable, type LogReader, type ReadOutcome } from './event-log.ts';
import { openRedisLog, type RedisLog } from './redis-log.ts';

function open(redis: { readonly url: string }): Promise<RedisLog> {
  const given = {
    keyPrefix: 'firehose:',
    partitions: 2,
    resource: 'test/log',
    retention: null,
    checkEveryMs: 500,
    logger: silentLogger,
  };
  return openRedisLog({ redis: redis.url, ...given });
}

/** The first outcome that is not an empty wait; waits through outages. */
async function nextOutcome(reader: LogReader, position: Position): Promise<ReadOutcome> {
  const signal = AbortSignal.timeout(20_000);
  for (;;) {
    try {
      const outcome = await reader.read(position, { waitMs: 200, signal });
      if (outcome.kind === 'epoch_lost' || outcome.entries.length > 0) return outcome;
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
    }
  }
}

/** Reads one event, so that the reader is connected and has a position with an entry before it. */
async function followed(eventLog: RedisLog): Promise<{ reader: LogReader; position: Position }> {
  const start = await ends(eventLog);
  await eventLog.append([event('call', '{"n":0}')]);
  const reader = eventLog.reader();
  return { reader, position: after(start, await readAll(reader, start, 1)) };
}

async function backAgain(redis: RedisServer, eventLog: RedisLog): Promise<void> {
  const ready = new Promise<void>((resolve) => eventLog.client.once('ready', resolve));
  await redis.restart();
  await ready;
}

async function assertLost(reader: LogReader, position: Position, eventLog: RedisLog): Promise<void> {
  const outcome = await nextOutcome(reader, position);
  assert.equal(outcome.kind, 'epoch_lost');
  if (outcome.kind !== 'epoch_lost') return;
  assert.notEqual(outcome.state.epoch, position.epoch);
  assert.equal((await eventLog.state()).epoch, outcome.state.epoch);
}

describe('lost streams (I4)', () => {
  it('tells that everything was flushed, also without a reconnect', async () => {
    await using redis = await startRedis();
    await using eventLog = await open(redis);
    const { reader, position } = await followed(eventLog);
    await eventLog.client.flushall();
    await assertLost(reader, position, eventLog);
  });

  it('tells that a stream was deleted and filled again by hand', async () => {
    await using redis = await startRedis();
    await using eventLog = await open(redis);
    const { reader, position } = await followed(eventLog);
    await reader[Symbol.asyncDispose]();
    for (const partition of [0, 1]) {
      await eventLog.client.del(`firehose:{${partition}}:events`);
      await eventLog.client.xadd(`firehose:{${partition}}:events`, '*', 'm', '1\tDTMF\ta', 'd', '{}');
    }
    // The same reader on a new connection: it remembers its count of added entries.
    await eventLog.append([event('call')]);
    await assertLost(reader, position, eventLog);
  });

  it('tells that a stream was deleted and filled again by an append', async () => {
    await using redis = await startRedis();
    await using eventLog = await open(redis);
    const { reader, position } = await followed(eventLog);
    await eventLog.client.del('firehose:{0}:events', 'firehose:{0}:meta');
    assert.deepEqual(accepted(await eventLog.append([event('a'), event('b'), event('c')])), Array(3).fill('accepted'));
    await assertLost(eventLog.reader(), position, eventLog);
    await reader[Symbol.asyncDispose]();
  });

  it('delivers nothing of a Redis that came back empty before it has told so', async () => {
    await using redis = await startRedis();
    await using eventLog = await open(redis);
    const { reader, position } = await followed(eventLog);
    await redis.kill();
    await backAgain(redis, eventLog);
    await eventLog.append([event('call', '{"n":"after"}')]);
    await assertLost(reader, position, eventLog);
  });
});

describe('what survives (I1, I3)', () => {
  it('goes on from the same position after a crash with an append-only file', async () => {
    await using redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    await using eventLog = await open(redis);
    const { reader, position } = await followed(eventLog);
    assert.deepEqual(accepted(await eventLog.append([event('call', '{"n":1}'), event('call', '{"n":2}')])), [
      'accepted',
      'accepted',
    ]);
    await redis.kill();
    await assert.rejects(reader.read(position, { waitMs: 10, signal: AbortSignal.timeout(20_000) }), LogUnavailable);
    await backAgain(redis, eventLog);
    await eventLog.append([event('call', '{"n":3}')]);
    const entries = await readAll(reader, position, 3);
    assert.deepEqual(
      entries.map((entry) => entry.data.toString()),
      ['{"n":1}', '{"n":2}', '{"n":3}'],
    );
  });

  it('does not double an event whose reply was lost', async () => {
    await using redis = await startRedis();
    await using proxy = await startTcpProxy(redis.port);
    await using eventLog = await open(proxy);
    await eventLog.append([event('call')]);
    const before = await eventLog.client.xlen('firehose:{0}:events');
    const other = await eventLog.client.xlen('firehose:{1}:events');
    for (let n = 0; n < 5; n += 1) {
      proxy.cutNextReply();
      assert.deepEqual(accepted(await eventLog.append([event('call')])), ['accepted']);
    }
    const length =
      (await eventLog.client.xlen('firehose:{0}:events')) + (await eventLog.client.xlen('firehose:{1}:events'));
    assert.equal(length, before + other + 5);
    assert.equal(proxy.cuts(), 5);
  });
});
