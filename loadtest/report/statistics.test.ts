import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentile, slope } from './statistics.ts';

test('a percentile is one of the values', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual(
    [percentile(values, 99), percentile(values, 50), percentile([7], 99), percentile([], 99)],
    [99, 50, 7, 0],
  );
});

test('a slope is that of the line through the points', () => {
  assert.equal(
    slope([
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
    2,
  );
  assert.ok(
    Math.abs(
      slope([
        [0, 10],
        [10, 11],
        [20, 9],
        [30, 10],
      ]),
    ) < 0.05,
  );
  assert.deepEqual([slope([]), slope([[5, 5]])], [0, 0]);
});
