import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../testing/until.ts';
import { TooManyGrants, type GrantStore } from './grant-store.ts';

const HOUR = 3_600_000;
const stored = (digest: string, owner = 'eva', ttlMs = HOUR) => ({ digest, grant: `{"of":"${digest}"}`, owner, ttlMs });

/** Requirements for every grant store. `open` returns an empty one. */
export function grantStoreSuite(name: string, open: () => GrantStore): void {
  test(`${name}: a grant is found by its digest, and equal grants share one place`, async () => {
    const store = open();
    await Promise.all(['eva', 'max', 'eva', 'eva'].map((owner) => store.put(stored('a', owner))));
    assert.equal(await store.get('a'), '{"of":"a"}');
    assert.equal(await store.get('b'), null);
  });

  test(`${name}: one owner has at most 16 different grants at once, and others their own`, async () => {
    const store = open();
    for (let at = 0; at < 16; at += 1) await store.put(stored(`a${at}`));
    const refusal = await store.put(stored('a16')).then(
      () => null,
      (error: unknown) => error,
    );
    assert.ok(refusal instanceof TooManyGrants);
    assert.ok(refusal.retryAfterS > 0 && refusal.retryAfterS <= HOUR / 1000, `${refusal.retryAfterS}`);
    assert.equal(await store.get('a16'), null);
    for (let at = 0; at < 100; at += 1) await store.put(stored('a3'));
    await store.put(stored('a16', 'max'));
    assert.equal(await store.get('a16'), '{"of":"a16"}');
  });

  test(`${name}: a shorter token of the same grant does not end it for a longer one`, async () => {
    const store = open();
    await store.put(stored('a'));
    await store.put(stored('a', 'max', 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(await store.get('a'), '{"of":"a"}');
  });

  test(`${name}: a grant that has ended is gone, and leaves room`, async () => {
    const store = open();
    for (let at = 0; at < 16; at += 1) await store.put(stored(`a${at}`, 'eva', 50));
    await until('room for another grant', () =>
      store.put(stored('b')).then(
        () => true,
        () => false,
      ),
    );
    // The slot of a grant ends a moment after its claim.
    await until('the end of the grant itself', async () => (await store.get('a0')) === null);
  });
}
