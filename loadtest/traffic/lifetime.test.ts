import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messagesToLive } from './lifetime.ts';

test('lives are of all lengths, about the average, and the first one is short', () => {
  const lives = Array.from({ length: 100 }, (_, life) => messagesToLive(life, 60));
  assert.equal(lives[0], 1);
  assert.ok(lives.every((length) => length >= 1 && length <= 120));
  assert.ok(new Set(lives).size > 50);
  const average = lives.reduce((sum, length) => sum + length, 0) / lives.length;
  assert.ok(average > 55 && average < 65, String(average));
});
