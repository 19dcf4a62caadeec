import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayChangeGateways } from './workload.ts';

const GOOD = { isThere: false, isSuspended: false, isComplete: true, isProvisioned: true };

test('gateways start once everything that they need is there', () => {
  assert.equal(mayChangeGateways(GOOD), true);
  assert.equal(mayChangeGateways({ ...GOOD, isComplete: false }), false);
  assert.equal(mayChangeGateways({ ...GOOD, isProvisioned: false }), false);
});

test('gateways that run are changed while Redis is away, and left as they are while a Secret is missing', () => {
  assert.equal(mayChangeGateways({ ...GOOD, isThere: true, isProvisioned: false }), true);
  assert.equal(mayChangeGateways({ ...GOOD, isThere: true, isComplete: false }), false);
});

test('to suspend gateways that run nothing has to be there; to start suspended ones everything has', () => {
  const bare = { isSuspended: true, isComplete: false, isProvisioned: false };
  assert.equal(mayChangeGateways({ ...bare, isThere: true }), true);
  assert.equal(mayChangeGateways({ ...bare, isThere: false }), false);
});
