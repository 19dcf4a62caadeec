import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRedis } from '../../testing/redis-server.ts';
import { killReplicas } from './testing/killed-replicas.ts';

test(
  'S1, S2: replicas are killed, paused and stopped at random, and nothing is lost or out of order',
  { timeout: 240_000 },
  async () => {
    await using redis = await startRedis();
    const outcome = await killReplicas({ redisUrl: redis.url, forMs: 20_000, seed: 'short' });
    assert.ok(outcome.kills > 1 && outcome.said > 0, JSON.stringify(outcome));
    const { lost, disordered, gaps } = outcome;
    assert.deepEqual({ lost, disordered, gaps }, { lost: 0, disordered: 0, gaps: 0 }, JSON.stringify(outcome));
  },
);
