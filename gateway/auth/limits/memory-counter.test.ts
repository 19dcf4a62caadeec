import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryCounter } from './memory-counter.ts';

test('a counter ends after the lifetime with which it began, and a later one begins anew', () => {
  const counter = new MemoryCounter();
  assert.deepEqual(counter.add('a', { by: 1, lastsS: 2 }, 0), { count: 1, leftMs: 2_000 });
  assert.deepEqual(counter.add('a', { by: 1, lastsS: 60 }, 500), { count: 2, leftMs: 1_500 });
  assert.deepEqual(counter.see('a', 2_000), { count: 0, leftMs: 0 });
  assert.deepEqual(counter.add('a', { by: 1, lastsS: 2 }, 3_000), { count: 1, leftMs: 2_000 });
});

test('what is given back to a counter that has ended begins none', () => {
  const counter = new MemoryCounter();
  assert.deepEqual(counter.add('a', { by: -1, lastsS: 2 }, 0), { count: 0, leftMs: 0 });
  assert.equal(counter.size, 0);
});

test('ended counters are forgotten, and the one that began first where there are too many', () => {
  const counter = new MemoryCounter(3_000);
  for (let at = 0; at < 10_000; at += 1) counter.add(`short-${at}`, { by: 1, lastsS: 1 }, at * 10);
  assert.ok(counter.size <= 1_000, `${counter.size}`);
  for (let at = 0; at < 10_000; at += 1) counter.add(`long-${at}`, { by: 1, lastsS: 3_600 }, 100_000);
  assert.equal(counter.size, 3_000);
  assert.equal(counter.see('long-6999', 100_000).count, 0);
  assert.equal(counter.see('long-7000', 100_000).count, 1);
});
