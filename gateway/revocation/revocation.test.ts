import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { treeOf } from '../testing/tree.ts';
import { isRevoked, isSubject, LIFETIME_US, merge, newestMark, revokedOf, subjectOf } from './revocation.ts';
import type { Revoked } from './revocation.ts';

const directory = treeOf([
  ['root', null],
  ['north', 'root'],
  ['sales', 'north'],
  ['south', 'root'],
]);

const tokenOf = (account: string, mark = 10, username = 'eva', id = 't1') => ({
  grant: { account, accounts: null, events: null },
  username,
  id,
  mark,
});

const listOf = (...revoked: [Revoked, number][]) => new Map(revoked.map(([what, mark]) => [subjectOf(what), mark]));

describe('isRevoked', () => {
  test('nothing is revoked by an empty list', () => {
    assert.equal(isRevoked(new Map(), tokenOf('sales'), directory), false);
  });

  test('a token by its id, whenever that was, and no other token', () => {
    const list = listOf([{ jti: 't1' }, 5]);
    assert.equal(isRevoked(list, tokenOf('sales'), directory), true);
    assert.equal(isRevoked(list, tokenOf('sales', 10, 'eva', 't2'), directory), false);
  });

  test('a user: every token from before, none of a later login, no other user and no other account', () => {
    const list = listOf([{ user: { account: 'sales', username: 'Eva' } }, 10]);
    for (const [mark, revoked] of [
      [0, true],
      [9, true],
      [10, false],
      [11, false],
    ] as const)
      assert.equal(isRevoked(list, tokenOf('sales', mark), directory), revoked, `mark ${mark}`);
    assert.equal(isRevoked(list, tokenOf('sales', 0, 'max'), directory), false);
    assert.equal(isRevoked(list, tokenOf('north', 0), directory), false);
  });

  test('an account: every token from before of it and of all below it, none above or beside it', () => {
    const list = listOf([{ account: 'north' }, 10]);
    for (const [account, revoked] of [
      ['north', true],
      ['sales', true],
      ['root', false],
      ['south', false],
    ] as const) {
      assert.equal(isRevoked(list, tokenOf(account, 9), directory), revoked, account);
      assert.equal(isRevoked(list, tokenOf(account, 10), directory), false, account);
    }
  });

  test('an account that has left the directory is still revoked itself', () => {
    assert.equal(isRevoked(listOf([{ account: 'gone' }, 10]), tokenOf('gone', 9), directory), true);
  });

  test('look-alikes are other subjects', () => {
    const list = listOf([{ jti: 'sales' }, 10], [{ user: { account: 'north', username: 'sales/eva' } }, 10]);
    assert.equal(isRevoked(list, tokenOf('sales', 0), directory), false);
    assert.equal(isRevoked(list, tokenOf('__proto__', 0, 'constructor', 'toString'), directory), false);
  });
});

test('a subject tells who it was made of', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
  const username = fc.string({ minLength: 1, maxLength: 100 }).map((name) => name.toLowerCase());
  const revoked = fc.oneof(
    fc.record({ jti: fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/) }),
    fc.record({ account: id }),
    fc.record({ user: fc.record({ account: id, username }) }),
  );
  fc.assert(
    fc.property(revoked, (one) => {
      assert.ok(isSubject(subjectOf(one)));
      assert.deepEqual(revokedOf(subjectOf(one)), structuredClone(one));
    }),
  );
});

describe('merge', () => {
  test('the later mark of a subject counts, whichever list has it', () => {
    const [older, newer] = [listOf([{ jti: 'a' }, 5]), listOf([{ jti: 'a' }, 6])];
    assert.deepEqual(merge(older, newer, 10), newer);
    assert.equal(merge(newer, older, 10), newer);
    assert.equal(newestMark(merge(older, newer, 10)), 6);
  });

  test('what no token can outlive is forgotten, at the microsecond (I10)', () => {
    const list = listOf([{ jti: 'a' }, 5], [{ jti: 'b' }, 6]);
    assert.equal(merge(list, new Map(), 5 + LIFETIME_US - 1), list);
    assert.deepEqual(merge(list, new Map(), 5 + LIFETIME_US), listOf([{ jti: 'b' }, 6]));
    assert.equal(merge(list, list, 6 + LIFETIME_US).size, 0);
  });
});
