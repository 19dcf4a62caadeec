import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Oracle, sumOf } from './oracle.ts';

const SOUND = { lost: 0, doubled: 0, inverted: 0, foreign: 0 };
const oracleOf = (arrivals: readonly (readonly [number, number])[]) => {
  const oracle = new Oracle({ owes: (call: number) => call < 2 });
  for (const [call, n] of arrivals) oracle.take(call, n);
  return oracle;
};

test('each call in its order and complete is sound', () => {
  assert.deepEqual(
    oracleOf([
      [0, 1],
      [1, 1],
      [0, 2],
    ]).faults([2, 1, 5].entries()),
    SOUND,
  );
});

test('what is missing in the middle or at the end is lost', () => {
  assert.deepEqual(
    oracleOf([
      [0, 1],
      [0, 3],
    ]).faults([4, 0].entries()),
    { ...SOUND, lost: 2 },
  );
});

test('what comes again is doubled, what comes late is inverted, what is not mine is foreign', () => {
  assert.deepEqual(
    oracleOf([
      [0, 1],
      [0, 1],
    ]).faults([1].entries()),
    { ...SOUND, doubled: 1 },
  );
  assert.deepEqual(
    oracleOf([
      [0, 2],
      [0, 1],
    ]).faults([2].entries()),
    { ...SOUND, inverted: 1 },
  );
  const foreign = oracleOf([[7, 1]]).faults([].entries());
  assert.deepEqual(foreign, { ...SOUND, foreign: 1 });
  assert.deepEqual(sumOf([foreign, foreign]), { ...SOUND, foreign: 2 });
});

test('for a filter, only owed numbers are missing, and what is not owed is foreign', () => {
  const oracle = new Oracle({ owes: (_: string, n) => n % 2 === 0 });
  assert.deepEqual(
    [2, 6, 3, 4, 4].map((n) => oracle.take('a', n)),
    ['next', 'next', 'foreign', 'inverted', 'doubled'],
  );
  assert.deepEqual(
    oracle.faults([
      ['a', 9],
      ['b', 2],
    ]),
    { lost: 2, doubled: 1, inverted: 1, foreign: 1 },
  );
});

test('after a resume what arrives again is repeated, until something new of its call arrives', () => {
  const oracle = new Oracle({ owes: () => true, isFromStart: false });
  assert.deepEqual(
    [5, 6].map((n) => oracle.take(0, n)),
    ['next', 'next'],
  );
  oracle.resumed();
  assert.deepEqual(
    [5, 6, 7, 6].map((n) => oracle.take(0, n)),
    ['repeated', 'repeated', 'next', 'doubled'],
  );
  assert.deepEqual(oracle.faults([[0, 7]]), { ...SOUND, doubled: 1 });
});
