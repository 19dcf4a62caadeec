import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lanes } from './lanes.ts';

test('lanes take turns, each in the order in which its work came, and an empty one is forgotten (I10)', () => {
  const lanes = new Lanes();
  const done: string[] = [];
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) lanes.push(name.charAt(0), () => done.push(name) > 0);
  assert.deepEqual([lanes.size, lanes.lengthOf('a'), lanes.lengthOf('x')], [6, 3, 0]);
  lanes.shift()?.();
  lanes.push('d', () => done.push('d1') > 0);
  while (lanes.size > 0) lanes.shift()?.();
  assert.deepEqual(done, ['a1', 'b1', 'c1', 'a2', 'd1', 'c2', 'a3']);
  assert.equal(lanes.lengthOf('a'), 0);
  assert.equal(lanes.shift(), undefined);
});
