import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODES, PARTS, readArguments } from './mode.ts';

test('a run is a mode and its parts, and when none is named all that the mode has', () => {
  const quick = { mode: MODES.quick, isWherePossible: false };
  const full = { mode: MODES.full, isWherePossible: false };
  assert.deepEqual(readArguments([]), { ...quick, parts: ['saturated', 'match', 'latency', 'durable', 'switches'] });
  assert.deepEqual(readArguments(['quick', 'idle']), { ...quick, parts: ['idle'] });
  assert.deepEqual(readArguments(['full']), { ...full, parts: PARTS });
  assert.deepEqual(readArguments(['full', 'durable', 'match']), { ...full, parts: ['match', 'durable'] });
});

test('a run may be asked for only where it is possible', () => {
  const asked = { mode: MODES.quick, parts: ['match'], isWherePossible: true };
  assert.deepEqual(readArguments(['quick', 'match', '--where-possible']), asked);
  assert.deepEqual(readArguments(['--where-possible', 'quick', 'match']), asked);
  assert.equal(readArguments(['--where-possible'])?.mode, MODES.quick);
});

test('what is no mode and no part is refused', () => {
  assert.equal(readArguments(['fast']), null);
  assert.equal(readArguments(['full', 'nonsense', 'match']), null);
});
