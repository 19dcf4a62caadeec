import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOccasionalLine } from './occasional-line.ts';

test('the first of a kind is written at once, those that follow together, and nothing when nothing follows', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const lines: unknown[] = [];
  const tell = createOccasionalLine<'a' | 'b', number>({ write: (...line) => lines.push(line), everyMs: 100 });
  tell('a', 1);
  tell('a', 2);
  tell('b', 7);
  tell('a', 3);
  assert.deepEqual(lines.splice(0), [
    ['a', 1, 1],
    ['b', 7, 1],
  ]);
  t.mock.timers.tick(100);
  assert.deepEqual(lines.splice(0), [['a', 3, 2]]);
  tell('a', 4);
  t.mock.timers.tick(100);
  t.mock.timers.tick(1_000);
  assert.deepEqual(lines.splice(0), [['a', 4, 1]]);
  tell('a', 5);
  assert.deepEqual(lines, [['a', 5, 1]]);
});
