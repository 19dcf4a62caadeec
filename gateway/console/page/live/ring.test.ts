import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rate } from './rate.ts';
import { Ring } from './ring.ts';

test('the last items are kept, the newest first; what was dropped is said', () => {
  const ring = new Ring(3);
  for (const text of ['a', 'b']) ring.addEvent(text);
  assert.equal(ring.hasDropped, false);
  ring.addNote('bad', 'lost', 7);
  ring.addEvent('c');
  assert.deepEqual(
    ring.snapshot().map(({ text }) => text),
    ['c', 'lost', 'b'],
  );
  assert.deepEqual([ring.heard, ring.length, ring.hasDropped, ring.get(3)], [4, 3, true, undefined]);
});

test('a rate counts by seconds, and forgets what is a minute old', () => {
  const rate = new Rate();
  for (let n = 0; n < 50; n += 1) rate.add(10_000);
  assert.equal(rate.recent(11_000), 10);
  assert.equal(rate.recent(17_000), 0);
  assert.deepEqual([...new Set(rate.history(80_000))], [0]);
});
