import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rememberedPasswords } from './remembered-passwords.ts';

test('a password is remembered for seconds, for one user and one stored hash', () => {
  let now = 0;
  const remembered = rememberedPasswords(() => now);
  const key = remembered.keyOf('eva', '$hash', 'sesame');
  assert.ok(!remembered.has(key));
  remembered.add(key);
  assert.ok(remembered.has(key));
  assert.ok(remembered.has(remembered.keyOf('eva', '$hash', 'sesame')));
  for (const other of [
    remembered.keyOf('max', '$hash', 'sesame'),
    remembered.keyOf('eva', '$other', 'sesame'),
    remembered.keyOf('eva', null, 'sesame'),
    remembered.keyOf('eva', '$hash', 'Sesame'),
    rememberedPasswords(() => now).keyOf('eva', '$hash', 'sesame'),
  ]) {
    assert.ok(!remembered.has(other));
  }
  now = 29_999;
  assert.ok(remembered.has(key));
  now = 30_000;
  assert.ok(!remembered.has(key));
});

test('what is remembered is bounded, and shrinks again (I10)', () => {
  let now = 0;
  const remembered = rememberedPasswords(() => now, 3);
  for (const key of ['a', 'b', 'c', 'd']) remembered.add(key);
  assert.deepEqual([remembered.size, remembered.has('a'), remembered.has('d')], [3, false, true]);
  now = 60_000;
  remembered.add('e');
  assert.equal(remembered.size, 1);
});
