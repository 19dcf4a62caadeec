import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFar } from './core-distance.ts';

test('a core that was moved is further away by more than probes differ among themselves', () => {
  assert.ok(!isFar(250, 220));
  assert.ok(!isFar(55, 220));
  assert.ok(isFar(500, 220));
  assert.ok(!isFar(500, Number.NaN), 'where it is not known nothing has moved');
});
