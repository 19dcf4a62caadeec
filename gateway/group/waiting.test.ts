import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Waiting } from './waiting.ts';

test('a kick ends the wait, and one that came before it too; then it waits again', async () => {
  const waiting = new Waiting();
  waiting.kick();
  await waiting.until(performance.now() + 1e9);
  const second = waiting.until(performance.now() + 1e9);
  waiting.kick();
  await second;
  const before = performance.now();
  await waiting.until(before + 20);
  assert.ok(performance.now() >= before + 18);
});
