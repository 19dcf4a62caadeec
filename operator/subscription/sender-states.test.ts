import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GroupStatus } from '../../protocol/subscription/status.ts';
import type { WebhookState } from '../../protocol/webhook-state.ts';
import { disabledWebhooks, failingSinks, natsStatus, webhookStatus } from './sender-states.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const state = (more: Partial<WebhookState>): WebhookState => ({
  disabled: null,
  failingSince: null,
  failingCause: null,
  succeededAt: null,
  lost: 0,
  ...more,
});
const sunk = (name: string, nats: GroupStatus['nats']): GroupStatus => ({
  ...group(name, undefined),
  ...(nats && { nats }),
});
const group = (name: string, webhook: GroupStatus['webhook']): GroupStatus => ({
  name,
  state: 'Ready',
  deletionPolicy: 'Delete',
  ...(webhook && { webhook }),
});

test('a webhook is on, fails once nothing gets through for a minute, or is off with its reason', () => {
  assert.deepEqual(webhookStatus(state({}), NOW), { state: 'On' });
  assert.deepEqual(webhookStatus(state({ failingSince: NOW - 59_000 }), NOW), { state: 'On' });
  assert.deepEqual(webhookStatus(state({ failingSince: NOW - 60_000, lost: 7 }), NOW), {
    state: 'Failing',
    since: '2026-01-02T03:03:05Z',
    lost: 7,
  });
  // Another replica gets through.
  assert.deepEqual(webhookStatus(state({ failingSince: NOW - 90_000, succeededAt: NOW - 1_000 }), NOW), {
    state: 'On',
  });
  assert.deepEqual(webhookStatus(state({ disabled: { reason: 'gone', at: NOW } }), NOW), {
    state: 'Off',
    reason: 'Gone',
    since: '2026-01-02T03:04:05Z',
  });
});

test('webhooks that are off are one warning that names each, with what to do', () => {
  assert.equal(disabledWebhooks([group('a', { state: 'On' }), group('b', undefined)]), null);
  const off = (reason: 'Gone' | 'Failing') => ({ state: 'Off', reason, since: '2026-01-02T03:04:05Z' }) as const;
  const found = disabledWebhooks([group('crm', off('Gone')), group('erp', off('Failing'))]);
  assert.equal(found?.reason, 'ReceiverGone');
  assert.match(found.message, /^crm: the receiver answered 410 \(2026-.*; erp: nothing got through/);
  assert.match(found.message, /firehose webhook enable GROUP/);
});

test('a NATS sink is on, or fails with its cause once nothing gets through for a minute', () => {
  assert.deepEqual(natsStatus(state({}), NOW), { state: 'On' });
  assert.deepEqual(natsStatus(state({ failingSince: NOW - 59_000, failingCause: 'TIMEOUT' }), NOW), { state: 'On' });
  assert.deepEqual(natsStatus(state({ failingSince: NOW - 60_000, failingCause: 'NO_STREAM', lost: 7 }), NOW), {
    state: 'Failing',
    cause: 'NO_STREAM',
    since: new Date(NOW - 60_000).toISOString().replace(/\.\d+/, ''),
    lost: 7,
  });
});

test('sinks that fail are one warning that names each, with its cause and what to do', () => {
  assert.equal(failingSinks([sunk('a', { state: 'On' }), sunk('b', undefined)]), null);
  const failing = (cause: string) => ({ state: 'Failing', cause, since: '2026-01-01T00:00:00Z' }) as const;
  const found = failingSinks([sunk('bus', failing('AUTHORIZATION_VIOLATION')), sunk('lake', failing('JS_1'))]);
  assert.deepEqual([found?.status, found?.reason], ['True', 'NatsFailing']);
  assert.match(found?.message ?? '', /bus: .*\(AUTHORIZATION_VIOLATION\): the servers refuse the credentials/);
  assert.match(found?.message ?? '', /lake: .*\(JS_1\): see the log of the gateways/);
});
