import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTimes, typical } from './answer-times.ts';

test('a refusal takes as long as nine of ten answers, and as long as a slower one as often as there were any', () => {
  const times = [...Array.from({ length: 90 }, () => 10), ...Array.from({ length: 10 }, () => 100)];
  assert.equal(typical(times, 0), 10);
  assert.equal(typical(times, 0.89), 10);
  assert.equal(typical(times, 0.95), 100);
  assert.equal(typical([], 0.5), 0);
});

test('what has passed already is not waited for again', async () => {
  const times = answerTimes(
    () => 1_000,
    () => 0,
  );
  times.add(60_000);
  await times.even(-60_000);
  await answerTimes(() => 1_000).even(1_000);
});
