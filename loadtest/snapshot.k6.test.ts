import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { dropping } from './testing/meddling-proxy.ts';
import { startStage, SUITE_WITH_K6, WITH_K6, type Stage } from './testing/stage.ts';

const SHORT = {
  CONNECTIONS: '12',
  CONNECTIONS_PER_VU: '4',
  RATE: '60',
  CALLS: '24',
  RAMP: '500ms',
  DURATION: '24s',
  CUT_AFTER: '100',
};

describe('the snapshot test', SUITE_WITH_K6, () => {
  let redis: RedisServer;
  let stage: Stage;
  before(async () => {
    redis = await startRedis();
    stage = await startStage({ redisUrl: redis.url, spec: { calls: { enabled: true } } });
  });
  after(async () => {
    await stage[Symbol.asyncDispose]();
    await redis.stop();
  });

  test('passes: wallboards are cut and heal, and no board differs from a snapshot', WITH_K6, async () => {
    const { code, output, valueOf } = await stage.run('snapshot', SHORT);
    assert.equal(code, 0, output);
    assert.ok(valueOf('firehose_reconnects') > 8);
    assert.equal(valueOf('firehose_drift'), 0);
  });

  test('fails with 99 where events of a board are lost: it drifts', WITH_K6, async () => {
    const { code, output, broken } = await stage.run('snapshot', { ...SHORT, DRAIN: '3s' }, { meddling: dropping(7) });
    assert.equal(code, 99, output);
    assert.ok(broken.includes('firehose_drift count==0'), broken.join());
  });
});
