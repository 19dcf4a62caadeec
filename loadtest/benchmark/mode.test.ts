import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODES, PARTS, readArguments } from './mode.ts';

test('a run is a mode and its parts, and when none is named all that the mode has', () => {
  assert.deepEqual(readArguments([]), { mode: MODES.quick, parts: ['saturated', 'match', 'latency', 'durable'] });
  assert.deepEqual(readArguments(['quick', 'idle']), { mode: MODES.quick, parts: ['idle'] });
  assert.deepEqual(readArguments(['full']), { mode: MODES.full, parts: PARTS });
  assert.deepEqual(readArguments(['full', 'durable', 'match']), { mode: MODES.full, parts: ['match', 'durable'] });
});

test('what is no mode and no part is refused', () => {
  assert.equal(readArguments(['fast']), null);
  assert.equal(readArguments(['full', 'nonsense', 'match']), null);
});
