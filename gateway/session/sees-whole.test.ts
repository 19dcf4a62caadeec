import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Grant } from '../auth/grant.ts';
import type { Scope } from '../subscription/scope.ts';
import { treeOf } from '../testing/tree.ts';
import { seesWhole } from './sees-whole.ts';

const directory = treeOf([
  ['platform', null],
  ['reseller', 'platform'],
  ['tenant', 'reseller'],
  ['stranger', null],
]);
const scope: Scope = {
  account: { id: 'reseller', includeDescendants: true },
  filters: { accounts: [], events: [], excludeEvents: [], additionalEvents: [] },
};
const grantOf = (account: string, accounts: string[] | null = null): Grant => ({ account, accounts, events: null });

test('only a grant over all accounts of the resource sees the whole log, and only where the log is its alone', () => {
  const sees = (grant: Grant, more: Partial<Parameters<typeof seesWhole>[1]> = {}) =>
    seesWhole(grant, { directory, scope, isShared: false, ...more });
  assert.ok(sees(grantOf('reseller')));
  assert.ok(sees({ ...grantOf('reseller'), events: ['CHANNEL_CREATE'] }));
  assert.ok(sees(grantOf('platform')));
  assert.equal(sees(grantOf('tenant')), false);
  assert.equal(sees(grantOf('stranger')), false);
  assert.equal(sees(grantOf('reseller', ['reseller', 'tenant'])), false);
  assert.equal(sees(grantOf('reseller'), { isShared: true }), false);
  const { account, filters } = scope;
  assert.equal(
    sees(grantOf('reseller'), { scope: { filters, account: { ...account, includeDescendants: false } } }),
    false,
  );
  assert.equal(sees(grantOf('reseller'), { scope: { account, filters: { ...filters, accounts: ['tenant'] } } }), false);
  assert.equal(sees(grantOf('reseller'), { scope: { filters, account: { ...account, id: 'removed' } } }), false);
});
