import assert from 'node:assert/strict';
import { test } from 'node:test';
import { treeOf } from '../testing/tree.ts';
import { createAccountJudge } from './judge-account.ts';

const directory = {
  current: treeOf([
    ['root', null],
    ['mine', 'root'],
    ['below', 'mine'],
    ['other', 'root'],
  ]),
};
const filters = { accounts: [] as string[], events: [], excludeEvents: [], additionalEvents: [] };
const scoped = (more: { accounts?: string[]; includeDescendants?: boolean } = {}) => ({
  current: {
    account: { id: 'mine', includeDescendants: more.includeDescendants ?? true },
    filters: { ...filters, accounts: more.accounts ?? [] },
  },
});

test('a producer may write for the accounts that the resource offers, and for no others', () => {
  const judge = createAccountJudge({ directory, scope: scoped(), isShared: () => false });
  assert.deepEqual(['mine', 'below'].map(judge), ['offered', 'offered']);
  assert.deepEqual(['root', 'other'].map(judge), ['not_offered', 'not_offered']);
  const alone = createAccountJudge({ directory, scope: scoped({ includeDescendants: false }), isShared: () => false });
  assert.deepEqual(['mine', 'below'].map(alone), ['offered', 'not_offered']);
  const filtered = createAccountJudge({ directory, scope: scoped({ accounts: ['below'] }), isShared: () => false });
  assert.deepEqual(['mine', 'below'].map(filtered), ['not_offered', 'offered']);
});

test('an unknown account is taken as long as it cannot be that of another resource', () => {
  let isShared = false;
  const judge = createAccountJudge({ directory, scope: scoped(), isShared: () => isShared });
  assert.deepEqual(['new', ''].map(judge), ['unknown', 'unknown']);
  isShared = true;
  assert.deepEqual(['new', ''].map(judge), ['not_offered', 'unknown']);
});
