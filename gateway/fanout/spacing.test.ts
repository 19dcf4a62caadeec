import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_SPACING, nextSpacing } from './spacing.ts';

test('an idle process does not rest, a busy one does until it is calm again', () => {
  assert.equal(nextSpacing(NO_SPACING, 0.3).ms, 0);
  const resting = nextSpacing(NO_SPACING, 0.5);
  assert.ok(resting.ms > 0);
  assert.equal(nextSpacing(resting, 0.3), resting);
  assert.equal(nextSpacing(resting, 0.1).ms, 0);
});
