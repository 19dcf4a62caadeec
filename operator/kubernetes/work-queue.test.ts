import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkQueue } from './work-queue.ts';

const never = new AbortController().signal;
const settled = async (promise: Promise<string | null>) => {
  const pending = Symbol('pending');
  const turn = new Promise((resolve) => setImmediate(resolve, pending));
  return (await Promise.race([promise, turn])) === pending ? 'pending' : promise;
};

test('a key is there once, however often it is added', async () => {
  const queue = new WorkQueue();
  queue.add('a');
  queue.add('a');
  assert.equal(await queue.take(never), 'a');
  assert.equal(queue.depth, 0);
});

test('a key that is added while it is worked on comes again, and never to two workers', async () => {
  const queue = new WorkQueue();
  queue.add('a');
  assert.equal(await queue.take(never), 'a');
  queue.add('a');
  const next = queue.take(never);
  assert.equal(await settled(next), 'pending');
  queue.done('a');
  assert.equal(await next, 'a');
});

test('deletions go first', async () => {
  const queue = new WorkQueue();
  queue.add('a');
  queue.add('b');
  queue.add('gone', true);
  assert.deepEqual([await queue.take(never), await queue.take(never)], ['gone', 'a']);
});

test('failures in a row wait twice as long each, up to the cap, and success forgets them', () => {
  const queue = new WorkQueue({ baseMs: 100, maxMs: 1_000 }, () => 1);
  const waits = Array.from({ length: 6 }, () => queue.retry('a'));
  assert.deepEqual(waits, [100, 200, 400, 800, 1_000, 1_000]);
  queue.forget('a');
  assert.equal(queue.retry('a'), 100);
  queue.clear();
});

test('of two delays the shorter one counts, and what is added at once need not wait', async () => {
  const queue = new WorkQueue();
  queue.addAfter('a', 60_000);
  queue.addAfter('a', 1);
  assert.equal(await queue.take(never), 'a');
  queue.done('a');
  queue.addAfter('b', 60_000);
  queue.add('b');
  assert.equal(await queue.take(never), 'b');
  queue.done('b');
  assert.equal(queue.depth, 0);
});

test('a worker that waits is let go by the signal', async () => {
  const stop = new AbortController();
  const waiting = new WorkQueue().take(stop.signal);
  stop.abort();
  assert.equal(await waiting, null);
});
