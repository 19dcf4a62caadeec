import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceGap } from '../../protocol/source-gap.ts';
import { judgeTakeover } from './takeover.ts';

const clock = { earliest: (time: number) => time, latest: (time: number) => time };
const segment = (from: number, to: number | null = null, instance = 'one', joined = false) => ({
  from,
  beganAt: null,
  to,
  instance,
  joined,
});
const position = { id: 'last', until: 5_000, instance: 'one' };
const judge = (segments: ReturnType<typeof segment>[], pending: readonly SourceGap[] = []) =>
  judgeTakeover({ segments, position, pending, clock });
const gap = (from: number, to: number) => ({ from, to }) as SourceGap;

test('a replica that listened before the log ends continues it', () => {
  assert.deepEqual(judge([segment(5_000)]), [{ kind: 'continues' }]);
  assert.deepEqual(judge([segment(9_000, null, 'one', true)]), [{ kind: 'continues' }], 'it was in step before');
});

test('S4: the time between the end of the log and the begin of a segment is a gap', () => {
  assert.deepEqual(judge([segment(9_000)]), [{ kind: 'uncovered', gap: { from: 5_000, to: 9_000 }, restarted: false }]);
  assert.deepEqual(judge([segment(4_000, 6_000), segment(8_000, null, 'two')]), [
    { kind: 'continues' },
    { kind: 'uncovered', gap: { from: 6_000, to: 8_000 }, restarted: true },
  ]);
});

test('S4: what an earlier leader has found is not found again, and what came after it is', () => {
  const found = [gap(5_000, 7_000)];
  assert.deepEqual(judge([segment(7_000)], found), [{ kind: 'uncovered', gap: null, restarted: false }]);
  assert.deepEqual(judge([segment(9_000)], found), [
    { kind: 'uncovered', gap: { from: 7_000, to: 9_000 }, restarted: false },
  ]);
});

test('the first day of an endpoint has no gap', () => {
  const first = judgeTakeover({ segments: [segment(9_000)], position: null, pending: [], clock });
  assert.deepEqual(first, [{ kind: 'first' }]);
});
