import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountRule } from '../../protocol/source-spec/mapping.ts';
import { createAccountRules } from './account-rules.ts';

const rules = createAccountRules([
  { match: { domain: 'Acme.example.com' }, account: 'acme' },
  { match: { did: '+1555*', context: 'public' }, account: 'did' },
  { match: { accountCode: '*' }, account: 'code' },
  { match: { context: 'tenant-*' }, account: 'tenant' },
]);

test('the first rule of which everything fits names the account', () => {
  assert.equal(rules.accountOf({ domain: 'acme.EXAMPLE.com', accountCode: 'x' }), 'acme');
  assert.equal(rules.accountOf({ did: '+15555550123', context: 'public' }), 'did');
  assert.equal(rules.accountOf({ did: '+15555550123', context: 'private' }), '');
  assert.equal(rules.accountOf({ accountCode: '1001' }), 'code');
  assert.equal(rules.accountOf({ context: 'tenant-7' }), 'tenant');
});

test('what a switch does not tell fits nothing, not even *', () => {
  assert.equal(rules.accountOf({}), '');
  assert.equal(rules.accountOf({ accountCode: '', domain: '' }), '');
});

test('an account’s realm is the exact domain of its rule', () => {
  assert.equal(rules.realmOf('acme'), 'Acme.example.com');
  assert.equal(rules.realmOf('tenant'), '');
  assert.equal(rules.realmOf(''), '');
});

test('a rule without anything to match, or with a star in the middle, is refused', () => {
  for (const match of [{}, { domain: 'a*b' }, { domain: '' }, { realm: 'x' }]) {
    assert.equal(accountRule.safeParse({ match, account: 'acme' }).success, false, JSON.stringify(match));
  }
});
