import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pause } from './pause.ts';

test('a pause ends when the loop was idle for a multiple of the work, at the latest after its limit', () => {
  let idle = 100;
  const pause = new Pause({ idleTime: () => idle }, { idleRatio: 3, longestMs: 20 });
  assert.equal(pause.isOver(0), true, 'before any work');
  pause.begin(2, 1_000);
  for (const [now, idleNow, isOver, endsAt] of [
    [1_000, 100, false, 1_006],
    [1_006, 103, false, 1_009],
    [1_019, 105.9, false, 1_019.1],
    [1_019, 103, false, 1_020],
    [1_010, 106, true, 1_010],
    [1_020, 100, true, 1_020],
  ] as const) {
    idle = idleNow;
    assert.equal(pause.isOver(now), isOver, `at ${now}, idle ${idleNow}`);
    assert.ok(Math.abs(pause.endsAt(now) - endsAt) < 1e-6, `at ${now}, idle ${idleNow}`);
  }
});
