import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_SPACING, nextSpacing, restAfter } from './spacing.ts';

test('an idle process does not rest, a busy one does until it is calm again', () => {
  assert.equal(nextSpacing(NO_SPACING, 0.3).ms, 0);
  const resting = nextSpacing(NO_SPACING, 0.5);
  assert.ok(resting.ms > 0);
  assert.equal(nextSpacing(resting, 0.3), resting);
  assert.equal(nextSpacing(resting, 0.1).ms, 0);
});

test('a process near its limit rests longer, until resting has made room', () => {
  const busy = nextSpacing(NO_SPACING, 0.6);
  const full = nextSpacing(busy, 0.95);
  assert.ok(full.ms > busy.ms);
  assert.equal(nextSpacing(full, 0.7), full);
  assert.equal(nextSpacing(full, 0.5), busy);
});

test('the longer the round, the shorter the rest: there is none after a large one, so that a reader that fell behind catches up', () => {
  const full = nextSpacing(NO_SPACING, 0.95);
  assert.equal(restAfter(full, 10), full.ms);
  assert.ok(restAfter(full, 50) < restAfter(full, 10));
  assert.equal(restAfter(full, 200), 0);
  for (const events of [10, 50, 200]) assert.equal(restAfter(NO_SPACING, events), 0);
});
