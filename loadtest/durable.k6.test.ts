import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { doubling, dropping } from './testing/meddling-proxy.ts';
import { startStage, SUITE_WITH_K6, WITH_K6, type Stage } from './testing/stage.ts';

const SHORT = { CONNECTIONS: '5', RATE: '50', CALLS: '20', DURATION: '5s' };

describe('the durable test', SUITE_WITH_K6, () => {
  let redis: RedisServer;
  let stage: Stage;
  before(async () => {
    redis = await startRedis();
    stage = await startStage({ redisUrl: redis.url });
  });
  after(async () => {
    await stage[Symbol.asyncDispose]();
    await redis.stop();
  });

  test('passes: each event is settled once, and the dead letters are those that have to be', WITH_K6, async () => {
    const { code, output, valueOf } = await stage.run('durable', SHORT);
    assert.equal(code, 0, output);
    assert.ok(valueOf('firehose_dead_letters') > 0);
    assert.ok(valueOf('firehose_redelivered') > 10);
  });

  test('fails with 99 where the gateway gives events twice', WITH_K6, async () => {
    const { code, output, broken } = await stage.run(
      'durable',
      { ...SHORT, DURATION: '3s' },
      { meddling: doubling(20) },
    );
    assert.equal(code, 99, output);
    assert.ok(broken.includes('firehose_doubled count==0'), broken.join());
  });

  test('fails with 99 where events get lost', WITH_K6, async () => {
    const parameters = { ...SHORT, DURATION: '3s', DRAIN: '3s' };
    const { code, output, broken } = await stage.run('durable', parameters, { meddling: dropping(20) });
    assert.equal(code, 99, output);
    assert.ok(broken.includes('firehose_lost count==0'), broken.join());
  });

  test('says that a group needs Redis where there is none', WITH_K6, async () => {
    await using without = await startStage();
    const { code, output } = await without.run('durable', SHORT);
    assert.equal(code, 108, output);
    assert.match(output, /the group 'default' cannot be joined: .* the gateway needs a Redis/);
  });
});
