import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spreadOf, sumOf, Tally } from './tally.ts';

const SOUND = { lost: 0, doubled: 0, inverted: 0, foreign: 0 };
const tallyOf = (arrivals: readonly (readonly [number, number])[]) => {
  const tally = new Tally((call) => call < 2);
  for (const [call, n] of arrivals) tally.take(call, n);
  return tally;
};

test('each call in its order and complete is sound', () => {
  assert.deepEqual(
    tallyOf([
      [0, 1],
      [1, 1],
      [0, 2],
    ]).faults([2, 1, 5]),
    SOUND,
  );
});

test('what is missing in the middle or at the end is lost', () => {
  assert.deepEqual(
    tallyOf([
      [0, 1],
      [0, 3],
    ]).faults([4, 0]),
    { ...SOUND, lost: 2 },
  );
});

test('what comes again is doubled, what comes late is inverted, what is not mine is foreign', () => {
  assert.deepEqual(
    tallyOf([
      [0, 1],
      [0, 1],
    ]).faults([1]),
    { ...SOUND, doubled: 1 },
  );
  assert.deepEqual(
    tallyOf([
      [0, 2],
      [0, 1],
    ]).faults([2]),
    { ...SOUND, inverted: 1 },
  );
  const foreign = tallyOf([[7, 1]]).faults([]);
  assert.deepEqual(foreign, { ...SOUND, foreign: 1 });
  assert.deepEqual(sumOf([foreign, foreign]), { ...SOUND, foreign: 2 });
});

test('the spread of moments', () => {
  const even = Array.from({ length: 100 }, (_, index) => index * 100);
  assert.deepEqual(spreadOf(even), { middleMs: 8_000, busiestSecond: 0.1 });
  assert.deepEqual(spreadOf([5, 5, 5, 5]), { middleMs: 0, busiestSecond: 1 });
  assert.deepEqual(spreadOf([]), { middleMs: 0, busiestSecond: 0 });
});
