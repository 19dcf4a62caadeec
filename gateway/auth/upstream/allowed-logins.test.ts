import assert from 'node:assert/strict';
import { test } from 'node:test';
import { treeOf } from '../../testing/tree.ts';
import { allowedLogins } from './allowed-logins.ts';

const directory = treeOf([
  ['root', null],
  ['acme', 'root'],
]);
const EVA = { account: 'acme', username: 'eva' };

test('a login is remembered for 30 s, by exactly what was sent', () => {
  let now = 0;
  const allowed = allowedLogins(() => now);
  allowed.add(['eva', 'sesame'], EVA, directory);
  assert.deepEqual(allowed.get(['eva', 'sesame'], directory), EVA);
  assert.equal(allowed.get(['eva', 'Sesame'], directory), null);
  assert.equal(allowed.get(['evasesame', ''], directory), null);
  now = 30_000;
  assert.equal(allowed.get(['eva', 'sesame'], directory), null);
});

test('an account that moved, or is gone, ends it', () => {
  const allowed = allowedLogins(() => 0);
  for (const changed of [treeOf([['acme', null]]), treeOf([['root', null]])]) {
    allowed.add(['eva'], EVA, directory);
    assert.equal(allowed.get(['eva'], changed), null);
    assert.equal(allowed.get(['eva'], directory), null);
  }
});

test('no more are remembered than there is room for', () => {
  const allowed = allowedLogins(() => 0, 2);
  for (const name of ['a', 'b', 'c']) allowed.add([name], EVA, directory);
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => allowed.get([name], directory) !== null),
    [false, true, true],
  );
});
