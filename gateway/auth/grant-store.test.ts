import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryGrantStore } from './grant-store.ts';
import { grantStoreSuite } from './grant-store.suite.ts';

grantStoreSuite('in memory', () => memoryGrantStore(Date.now));

test('the store in memory is bounded in bytes', async () => {
  const store = memoryGrantStore(() => 0, 10);
  await store.put({ digest: 'a', grant: 'x'.repeat(6), owner: 'eva', ttlMs: 100 });
  await store.put({ digest: 'b', grant: 'y'.repeat(6), owner: 'eva', ttlMs: 100 });
  assert.equal(await store.get('a'), null);
  assert.equal(await store.get('b'), 'y'.repeat(6));
});
