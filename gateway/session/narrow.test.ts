import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Grant } from '../auth/grant.ts';
import { treeOf } from '../testing/tree.ts';
import { narrow } from './narrow.ts';

const directory = treeOf([
  ['root', null],
  ['below', 'root'],
]);
const WHOLE: Grant = { account: 'root', accounts: null, events: null };

function ask(filter: { accounts?: string[]; events?: string[] }, grant: Grant = WHOLE) {
  const filters = { events: [], excludeEvents: ['DTMF'], accounts: [], additionalEvents: ['QUEUE_ENTERED'] };
  const scope = { account: { id: 'root', includeDescendants: true }, filters };
  const { accounts = null, events = null } = filter;
  const narrowed = narrow(grant, { accounts, events }, directory, scope);
  return narrowed.ok ? narrowed.grant : narrowed.code;
}

test('a filter within the token is the grant from then on, additional event names too', () => {
  assert.deepEqual(ask({}), WHOLE);
  const filter = { accounts: ['below'], events: ['CHANNEL_ANSWER', 'QUEUE_ENTERED'] };
  assert.deepEqual(ask(filter), { account: 'root', ...filter });
});

test('a filter that would let nothing through is refused, never a silently empty stream', () => {
  const token: Grant = { account: 'root', accounts: ['below'], events: ['CHANNEL_ANSWER'] };
  assert.equal(ask({ accounts: ['root'] }, token), 'account_not_granted');
  assert.equal(ask({ events: ['CHANNEL_CREATE'] }, token), 'event_not_granted');
  assert.equal(ask({ accounts: ['elsewhere'] }), 'foreign_account');
  assert.equal(ask({ events: ['DTMF'] }), 'event_not_offered');
  for (const name of ['CHANNEL_ANSWERED', 'channel_answer', 'LEG_CREATED', '__proto__'])
    assert.equal(ask({ events: ['CHANNEL_ANSWER', name] }), 'unknown_event', name);
});

test('a filter of an account that has left the directory is refused until the connection is ended', () => {
  assert.equal(ask({}, { ...WHOLE, account: 'gone' }), 'account_gone');
});
