import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lanes } from './lanes.ts';

test('lanes take turns, each in the order in which its work came, and an empty one is forgotten (I10)', () => {
  const lanes = new Lanes();
  const done: string[] = [];
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2'])
    lanes.push(name.charAt(0), 'begin', () => done.push(name) > 0);
  assert.deepEqual([lanes.size, lanes.lengthOf('a'), lanes.lengthOf('x')], [6, 3, 0]);
  lanes.shift()?.();
  lanes.push('d', 'begin', () => done.push('d1') > 0);
  while (lanes.size > 0) lanes.shift()?.();
  assert.deepEqual(done, ['a1', 'b1', 'c1', 'a2', 'd1', 'c2', 'a3']);
  assert.equal(lanes.lengthOf('a'), 0);
  assert.equal(lanes.shift(), undefined);
});

test('what has begun goes before what begins, in its own lane alone', () => {
  const lanes = new Lanes();
  const done: string[] = [];
  for (const name of ['a1', 'a2', 'b1', 'b2']) lanes.push(name.charAt(0), 'begin', () => done.push(name) > 0);
  lanes.push('b', 'continue', () => done.push('b0') > 0);
  lanes.shift()?.();
  while (lanes.size > 0) lanes.shift()?.();
  assert.deepEqual(done, ['a1', 'b0', 'a2', 'b1', 'b2']);
});

test('a long queue of many lanes keeps its order (I10)', () => {
  const lanes = new Lanes();
  const done: number[] = [];
  for (let at = 0; at < 1_000; at += 1) lanes.push(`lane ${at % 100}`, 'begin', () => done.push(at) > 0);
  while (lanes.size > 0) lanes.shift()?.();
  assert.deepEqual(
    done,
    Array.from({ length: 1_000 }, (_, at) => at),
  );
});
