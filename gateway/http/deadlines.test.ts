import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../testing/until.ts';
import { Deadlines } from './deadlines.ts';

test('what is still there at its time expires, in order, and nothing is kept', async () => {
  const expired: number[] = [];
  const deadlines = new Deadlines<number>(20, (item) => expired.push(item));
  for (const item of [1, 2, 3]) deadlines.add(item);
  deadlines.delete(2);
  await until('two expired', () => expired.length === 2);
  assert.deepEqual([expired, deadlines.size], [[1, 3], 0]);
  deadlines.add(4);
  await until('one more expired', () => expired.includes(4));
});

test('an item expires no earlier than its time, though others expire before it', async () => {
  const LIMIT_MS = 50;
  const added = new Map<number, number>();
  const waited: number[] = [];
  const deadlines = new Deadlines<number>(LIMIT_MS, (item) => {
    waited.push(performance.now() - (added.get(item) ?? 0));
    if (item < 3) add(item + 1);
  });
  const add = (item: number) => {
    added.set(item, performance.now());
    deadlines.add(item);
  };
  add(1);
  await until('three expired', () => waited.length === 3);
  for (const ms of waited) assert.ok(ms >= LIMIT_MS - 1, `${ms} ms`);
});
