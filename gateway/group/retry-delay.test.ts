import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDelay } from './retry-delay.ts';

test('the back-off doubles from 1 s to 5 min', () => {
  const delays = [1, 2, 3, 9, 10, 100].map((attempts) => retryDelay(attempts, () => 0));
  assert.deepEqual(delays, [1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
});

test('jitter takes off up to half', () => {
  assert.equal(
    retryDelay(3, () => 1),
    2_000,
  );
});
