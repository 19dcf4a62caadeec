import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeShrink } from './shrink-guard.ts';

const input = { before: 10, after: 4, maxPercent: 50, seen: null, isTimed: true };

test('half of the accounts may go, and any number may come', () => {
  assert.equal(judgeShrink({ ...input, after: 5 }), 'take_over');
  assert.equal(judgeShrink({ ...input, after: 500 }), 'take_over');
  assert.equal(judgeShrink({ ...input, before: 0, after: 1 }), 'take_over');
  assert.deepEqual(judgeShrink(input), { accounts: 4, times: 1 });
});

test('the third poll in a row decides, and pushes do not count', () => {
  const twice = { accounts: 4, times: 2 };
  assert.equal(judgeShrink({ ...input, seen: twice }), 'take_over');
  assert.deepEqual(judgeShrink({ ...input, seen: twice, isTimed: false }), twice);
});

test('the part that may go is a setting', () => {
  assert.deepEqual(judgeShrink({ ...input, after: 9, maxPercent: 0 }), { accounts: 9, times: 1 });
  assert.equal(judgeShrink({ ...input, after: 1, maxPercent: 100 }), 'take_over');
});
