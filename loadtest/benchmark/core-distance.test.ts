import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSameDistance } from './core-distance.ts';

test('a core that was moved is further away or nearer by more than probes differ among themselves', () => {
  assert.ok(isSameDistance(220, 250));
  assert.ok(!isSameDistance(500, 250));
  assert.ok(!isSameDistance(55, 250));
  assert.ok(isSameDistance(500, Number.NaN), 'where it is not known nothing has moved');
});
