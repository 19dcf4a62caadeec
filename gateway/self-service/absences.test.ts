import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Absences } from './absences.ts';

test('an account is gone when it was missing without a break for longer than the limit', () => {
  const absences = new Absences(1_000);
  const look = (now: number, ...missing: string[]) => [...absences.look(new Set(missing), now)];
  assert.deepEqual(look(0, 'shop', 'acme'), []);
  assert.deepEqual(look(900, 'shop'), []);
  // One came back, and is missing again.
  assert.deepEqual(look(1_100, 'shop', 'acme'), ['shop']);
  assert.deepEqual(look(2_000, 'acme'), []);
  assert.deepEqual(look(2_200, 'acme'), ['acme']);
});
