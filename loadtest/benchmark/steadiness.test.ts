import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import { isSteady, watchCosts } from './steadiness.ts';

test('a window is steady while a delivery costs about the same in each interval', () => {
  assert.equal(isSteady([0.34, 0.3, 0.32, 0.31, 0.33]), true);
  assert.equal(isSteady([0.34, 0.3, 0.32, 0.44, 0.31]), false);
  assert.equal(isSteady([0.44, 0.31, 0.45, 0.44, 0.32, 0.43, 0.3, 0.46]), false);
  assert.equal(isSteady([]), true);
});

test('each interval is told what a delivery cost in it, until the window is over', async () => {
  let deliveries = 0;
  const costs = await watchCosts(
    async () => {
      deliveries += 10;
      return { cpuUs: deliveries * 3, deliveries };
    },
    async () => {
      await delay(600);
    },
  );
  assert.ok(costs.length > 0);
  assert.deepEqual(new Set(costs), new Set([3]));
});
