import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueBy, nextDueMs } from './pace.ts';

test('a producer that waits until the next event is due has one to publish, at any rate', () => {
  for (const rate of [1, 2, 3, 5, 7, 9, 10, 11, 50, 333, 20_000]) {
    for (let done = 0; done < 1_000; done += 1) {
      // A timer has whole milliseconds.
      assert.ok(dueBy(Math.ceil(nextDueMs(done, rate)), rate) > done, `${rate} a second, after ${done}`);
    }
  }
});

test('over a minute as many are due as the rate says, one batch ahead at most', () => {
  for (const rate of [1, 5, 10, 100, 5_000]) {
    const due = dueBy(60_000, rate);
    assert.ok(due >= 60 * rate && due <= 60 * rate + Math.max(1, rate / 10), `${rate}: ${due}`);
  }
});
