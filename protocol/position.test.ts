import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BEFORE_EVERYTHING, compareIds, splitId, previousId } from './position.ts';

const id = fc.tuple(fc.nat(), fc.nat());
const print = ([milliseconds, sequence]: readonly [number, number]) => `${milliseconds}-${sequence}`;

test('an id is its milliseconds and its sequence', () => {
  fc.assert(fc.property(id, (parts) => assert.deepEqual(splitId(print(parts)), parts)));
});

test('ids are compared as numbers, not as text', () => {
  assert.ok(compareIds('9-0', '10-0') < 0);
  assert.ok(compareIds('5-9', '5-10') < 0);
  assert.ok(compareIds('1763979370500-1', '1763979370499-99') > 0);
  assert.equal(compareIds('5-1', '5-1'), 0);
});

test('the order of ids is the same from both sides', () => {
  fc.assert(
    fc.property(id, id, (a, b) => {
      const [there, back] = [compareIds(print(a), print(b)), compareIds(print(b), print(a))];
      assert.ok(Math.sign(there) + Math.sign(back) === 0);
    }),
  );
});

test('nothing comes before the beginning', () => {
  fc.assert(fc.property(id, (any) => assert.ok(compareIds(BEFORE_EVERYTHING, print(any)) <= 0)));
});

test('ids of 64 bits compare by their digits, and the one before them is exact', () => {
  const sorted = [
    '0-1',
    '9-0',
    '10-0',
    '10-9',
    '10-10',
    '18446744073709551614-0',
    '18446744073709551615-18446744073709551614',
  ];
  const greatest = '18446744073709551615-18446744073709551615';
  for (const [at, id] of sorted.entries()) {
    for (const later of [...sorted.slice(at + 1), greatest]) {
      assert.ok(compareIds(id, later) < 0 && compareIds(later, id) > 0, `${id} ${later}`);
    }
  }
  assert.equal(previousId(greatest), '18446744073709551615-18446744073709551614');
});
