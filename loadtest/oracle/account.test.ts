import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountFor, accountForTexts, faultsOf } from './account.ts';

const arrive = (...list: [call: number, n: number][]) => list.map(([call, n]) => ({ call, n, id: `${call}:${n}` }));
const everything = () => true;

test('a sound run has nothing lost, doubled, inverted or foreign', () => {
  const account = accountFor([2, 1], everything, arrive([0, 1], [1, 1], [0, 2]));
  assert.deepEqual(account, { owed: 3, lost: 0, doubled: 0, inverted: 0, foreign: 0 });
  assert.deepEqual(faultsOf('a', account), []);
});

test('each fault is counted as what it is', () => {
  assert.equal(accountFor([3], everything, arrive([0, 1], [0, 3])).lost, 1);
  assert.equal(accountFor([2], everything, arrive([0, 1], [0, 2], [0, 1])).doubled, 1);
  assert.deepEqual(accountFor([2], everything, arrive([0, 2], [0, 1])), {
    owed: 2,
    lost: 0,
    doubled: 0,
    inverted: 1,
    foreign: 0,
  });
  assert.equal(accountFor([2], (_, n) => n === 1, arrive([0, 1], [0, 2])).foreign, 1);
  assert.deepEqual(faultsOf('a', accountFor([3], everything, [])), ['a: 3 of 3 lost']);
});

test('texts without a number are accounted for by the order in which they are owed', () => {
  const expected = [
    { call: 'a', text: 'a1' },
    { call: 'b', text: 'b1' },
    { call: 'a', text: 'a2' },
    { call: 'a', text: 'a3' },
  ];
  const faults = (...arrivals: string[]) => faultsOf('x', accountForTexts(expected, arrivals));
  assert.deepEqual(faults('b1', 'a1', 'a2', 'a3'), []);
  assert.deepEqual(faults('a1', 'a2', 'b1', 'b1'), ['x: 1 of 4 lost', 'x: 1 of 4 doubled']);
  assert.deepEqual(faults('a1', 'a3', 'a2', 'b1', 'c1'), ['x: 1 of 4 inverted', 'x: 1 of 4 foreign']);
});
