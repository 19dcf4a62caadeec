import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webhook } from './subscription/webhook.ts';
import { declarationOf, decodeWebhookState, failingMs } from './webhook-state.ts';

const DECLARED = webhook.parse({ url: 'https://crm.example.com/hooks' });
const OFF = { disabled_reason: 'gone', disabled_at: '5', disabled_of: declarationOf(DECLARED) };

test('a webhook without a record is on', () => {
  assert.deepEqual(decodeWebhookState({}, DECLARED), {
    disabled: null,
    failingSince: null,
    failingCause: null,
    succeededAt: null,
    lost: 0,
  });
});

test('it is off for the declaration that was switched off, and on again once that is changed', () => {
  assert.deepEqual(decodeWebhookState(OFF, DECLARED).disabled, { reason: 'gone', at: 5 });
  assert.equal(decodeWebhookState(OFF, { ...DECLARED, url: 'https://crm.example.com/new' }).disabled, null);
});

test('what no version has written counts as missing', () => {
  const read = decodeWebhookState(
    { ...OFF, disabled_reason: 'bored', failing_since: '-1', failing_cause: 'x y', succeeded_at: 'x', lost: 'many' },
    DECLARED,
  );
  assert.deepEqual(read, { disabled: null, failingSince: null, failingCause: null, succeededAt: null, lost: 0 });
});

test('nothing got through since it began to fail, or since the last success of any replica', () => {
  const state = { disabled: null, failingSince: 1_000, failingCause: null, succeededAt: null, lost: 0 };
  assert.equal(failingMs(state, 1_500), 500);
  assert.equal(failingMs({ ...state, succeededAt: 1_200 }, 1_500), 300);
  assert.equal(failingMs({ ...state, failingSince: null }, 9_999), 0);
});
