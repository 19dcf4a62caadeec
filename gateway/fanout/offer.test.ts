import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { treeOf } from '../testing/tree.ts';
import { createOffer } from './offer.ts';

const tree = treeOf([
  ['root', null],
  ['a', 'root'],
  ['other', null],
]);

function offer(name: string, account: string, spec: object = {}): boolean {
  const { spec: whole } = subscriptionSchema.parse({
    apiVersion: 'firehose.dev/v1alpha1',
    kind: 'FirehoseSubscription',
    metadata: { name: 'x' },
    spec: { account: { id: 'root' }, ...spec },
  });
  const of = tree.accounts.get(account);
  assert.ok(of);
  return createOffer(whole)(name, of);
}

test('a resource offers the events of its account and of everything below it, and of nothing else', () => {
  assert.ok(offer('DTMF', 'root') && offer('DTMF', 'a'));
  assert.ok(!offer('DTMF', 'other'));
  assert.ok(!offer('DTMF', 'a', { account: { id: 'root', includeDescendants: false } }));
});

test('its filters narrow it by name and account', () => {
  assert.ok(!offer('DTMF', 'a', { filters: { events: ['CALL_SECURE'] } }));
  assert.ok(!offer('DTMF', 'a', { filters: { excludeEvents: ['DTMF'] } }));
  assert.ok(!offer('DTMF', 'root', { filters: { accounts: ['a'] } }));
  assert.ok(offer('DTMF', 'a', { filters: { accounts: ['a'], events: ['DTMF'] } }));
});

test('names that no source forwards are not delivered when they are put into the log by hand', () => {
  for (const name of ['LEG_CREATED', 'CHANNEL_EXECUTE_COMPLETE', 'channel_x', 'kazoo::noop', 'odd-name']) {
    assert.ok(!offer(name, 'a'), name);
  }
  assert.ok(offer('NEW_BUT_WELL_FORMED', 'a'));
});
