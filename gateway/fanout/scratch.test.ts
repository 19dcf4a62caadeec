import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scratch } from './scratch.ts';

test('a buffer is only given out again once it has been given back, and once for that', () => {
  const scratch = new Scratch();
  const first = scratch.take(5_000);
  const second = scratch.take(5_000);
  assert.notEqual(first.chunk.buffer, second.chunk.buffer);
  first.release?.();
  first.release?.();
  const third = scratch.take(6_000);
  const fourth = scratch.take(6_000);
  assert.equal(third.chunk.buffer, first.chunk.buffer);
  assert.notEqual(fourth.chunk.buffer, third.chunk.buffer);
});

test('every length gets a buffer of just that length, too large ones outside the pool', () => {
  const scratch = new Scratch();
  for (const length of [1, 4_095, 4_096, 4_097, 8_192, 131_072, 200_000, 262_144, 262_145, 1_000_000]) {
    const { chunk, release } = scratch.take(length);
    assert.equal(chunk.length, length);
    assert.equal(release === null, length > 262_144);
  }
});

test('I10: the pool keeps a bounded number of bytes', () => {
  const scratch = new Scratch();
  const leases = Array.from({ length: 100 }, () => scratch.take(200_000));
  for (const { release } of leases) release?.();
  const kept = new Set(leases.map(({ chunk }) => chunk.buffer));
  const again = Array.from({ length: 100 }, () => scratch.take(200_000)).filter(({ chunk }) => kept.has(chunk.buffer));
  assert.ok(again.length > 0 && again.length <= 32, `${again.length} were kept`);
});
