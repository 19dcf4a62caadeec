import assert from 'node:assert/strict';
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
  const enough = Promise.withResolvers<void>();
  const costs = await watchCosts(
    () => {
      deliveries += 10;
      if (deliveries === 30) enough.resolve();
      return Promise.resolve({ cpuUs: deliveries * 3, deliveries });
    },
    () => enough.promise,
  );
  assert.deepEqual(costs, [3, 3]);
});
