import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spreadOf } from './spread.ts';

test('the spread of moments', () => {
  const even = Array.from({ length: 100 }, (_, index) => index * 100);
  assert.deepEqual(spreadOf(even), { middleMs: 8_000, busiestSecond: 0.1 });
  assert.deepEqual(spreadOf([5, 5, 5, 5]), { middleMs: 0, busiestSecond: 1 });
  assert.deepEqual(spreadOf([]), { middleMs: 0, busiestSecond: 0 });
});
