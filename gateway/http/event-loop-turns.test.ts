import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createStarts } from './event-loop-turns.ts';

test('two starts a turn of the event loop, in the order in which they came, and none is forgotten', async () => {
  const starts = createStarts(2);
  const started: number[] = [];
  for (let at = 0; at < 7; at += 1) starts(() => started.push(at));
  assert.equal(started.length, 0);
  const perTurn: number[] = [];
  while (started.length < 7) {
    const before = started.length;
    await turn();
    perTurn.push(started.length - before);
    assert.ok(perTurn.length < 20, 'the rest never starts');
  }
  assert.deepEqual(started, [0, 1, 2, 3, 4, 5, 6]);
  assert.ok(Math.max(...perTurn) <= 2, perTurn.join());
  starts(() => started.push(7));
  await turn();
  await turn();
  assert.deepEqual(started.slice(7), [7]);
});
