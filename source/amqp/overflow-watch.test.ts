import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OverflowWatch } from './overflow-watch.ts';

const look = (at: number, waiting: number, expired: { from: number; to: number } | null = null) => ({
  at,
  waiting,
  expired,
});

test('a queue that was full is an overflow from the last look that found room to the first that finds it again', () => {
  const watch = new OverflowWatch(100);
  assert.equal(watch.note(look(1_000, 5), 1_001), null);
  assert.equal(watch.note(look(6_000, 100), 6_001), null);
  assert.equal(watch.waiting, 100);
  assert.equal(watch.note(look(11_000, 250), 11_001), null);
  assert.deepEqual(watch.note(look(16_000, 99), 16_001), { from: 1_000, to: 16_001 });
  assert.equal(watch.note(look(21_000, 0), 21_001), null);
});

test('a process that finds the queue full does not know since when', () => {
  const watch = new OverflowWatch(100);
  assert.equal(watch.note(look(1_000, 100), 1_001), null);
  assert.deepEqual(watch.note(look(6_000, 0), 6_001), { from: 0, to: 6_001 });
});

test('an overflow that lasts is told each minute, without a time that no part tells', () => {
  const watch = new OverflowWatch(100);
  watch.note(look(1_000, 0), 1_000);
  const told = [];
  for (let at = 6_000; at <= 186_000; at += 5_000) {
    const found = watch.note(look(at, 100), at);
    if (found !== null) told.push(found);
  }
  const end = watch.note(look(191_000, 0), 191_000);
  const parts = [...told, ...(end === null ? [] : [end])];
  assert.equal(parts[0]?.from, 1_000);
  assert.equal(parts.at(-1)?.to, 191_000);
  parts.slice(1).forEach(({ from }, index) => assert.equal(from, parts[index]?.to));
  assert.ok(parts.length >= 3 && parts.length <= 5, String(parts.length));
});

test('messages that grew too old are an overflow of their own time', () => {
  const watch = new OverflowWatch(100);
  assert.deepEqual(watch.note(look(9_000, 0, { from: 2_000, to: 5_000 }), 9_001), { from: 2_000, to: 5_000 });
});

test('what is found while nothing can be told is told with the next look', () => {
  const watch = new OverflowWatch(100);
  assert.equal(watch.note(look(1_000, 0), 1_000), null);
  watch.noteWhileAway(100, 6_000, 6_000);
  watch.noteWhileAway(90, 11_000, 11_000);
  watch.noteWhileAway(10, 16_000, 16_000);
  assert.deepEqual(watch.note(look(21_000, 0), 21_000), { from: 1_000, to: 11_000 });
});
