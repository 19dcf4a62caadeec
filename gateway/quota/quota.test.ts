import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { Quota } from './quota.ts';

test('a single replica counts for itself, each account apart, and a slot comes back once', async () => {
  await using quota = Quota.start({ of: 'account', most: 2, shared: null, logger: silentLogger });
  const first = await quota.reserve('a');
  assert.ok(first !== null);
  assert.notEqual(await quota.reserve('a'), null);
  assert.equal(await quota.reserve('a'), null);
  assert.notEqual(await quota.reserve('b'), null);
  first.release();
  first.release();
  assert.notEqual(await quota.reserve('a'), null);
  assert.equal(await quota.reserve('a'), null);
});

test('an account that has left is forgotten (I10)', async () => {
  await using quota = Quota.start({ of: 'account', most: 5, shared: null, logger: silentLogger });
  const slots = await Promise.all(['a', 'a', 'b'].map((account) => quota.reserve(account)));
  assert.equal(quota.holders, 2);
  for (const slot of slots) slot?.release();
  assert.equal(quota.holders, 0);
});
