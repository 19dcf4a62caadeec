import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventFlow } from './event-flow.ts';

test('events flow from the change of the position on, for a second', () => {
  let position: object | null = null;
  const flows = eventFlow(() => position);
  assert.equal(flows(0), false);
  position = {};
  assert.deepEqual([flows(5_000), flows(5_999), flows(6_000)], [true, true, false]);
  position = {};
  assert.deepEqual([flows(6_001), flows(6_500)], [true, true]);
});
