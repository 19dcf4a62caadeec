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

test('nobody rests after a large round, so whoever fell behind catches up', () => {
  const full = nextSpacing(NO_SPACING, 0.95);
  assert.equal(restAfter(full, 10), full.ms);
  assert.equal(restAfter(full, 200), 0);
});
