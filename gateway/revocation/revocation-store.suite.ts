import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MOST_REVOCATIONS, type RevocationStore } from './revocation-store.ts';

/** Requirements for every store. `open` opens the same store again. */
export function revocationStoreSuite(
  name: string,
  fresh: () => Promise<{ open: () => Promise<RevocationStore> } & AsyncDisposable>,
): void {
  describe(name, () => {
    test('marks rise with every revocation, and above what the caller knows', async () => {
      await using at = await fresh();
      const store = await at.open();
      const first = await store.revoke('jti:a', 0);
      assert.ok(first !== null && Math.abs(first / 1_000 - Date.now()) < 60_000, String(first));
      const far = first + 1e9;
      assert.equal(await store.revoke('jti:b', far), far + 1);
      assert.equal(await store.revoke('jti:c', 0), far + 2);
      assert.equal(await store.revoke('jti:b', 0), far + 3);
      assert.deepEqual(
        (await store.read(null))?.list,
        new Map([
          ['jti:a', first],
          ['jti:c', far + 2],
          ['jti:b', far + 3],
        ]),
      );
    });

    test('what is known already is not read again', async () => {
      await using at = await fresh();
      const store = await at.open();
      const empty = await store.read(null);
      assert.equal(empty?.list.size, 0);
      assert.equal(await store.read(empty.seen), null);
      await store.revoke('account:a', 0);
      const one = await store.read(empty.seen);
      assert.deepEqual([...(one?.list.keys() ?? [])], ['account:a']);
      assert.equal(await store.read(one?.seen ?? null), null);
      await store.revoke('account:a', 0);
      assert.equal((await store.read(one?.seen ?? null))?.list.size, 1);
    });

    test('a replica that opens it later has everything, and what was lost is put back', async () => {
      await using at = await fresh();
      const store = await at.open();
      const mark = (await store.revoke('user:a/eva ü', 0)) ?? 0;
      await store.restore(
        new Map([
          ['jti:lost', mark - 5],
          ['user:a/eva ü', mark - 9],
        ]),
      );
      const { list } = (await (await at.open()).read(null)) ?? {};
      assert.deepEqual(
        list,
        new Map([
          ['jti:lost', mark - 5],
          ['user:a/eva ü', mark],
        ]),
      );
    });

    test('is bounded: a full one takes nothing new, and what it has again', async () => {
      await using at = await fresh();
      const store = await at.open();
      const now = Date.now() * 1_000;
      await store.restore(new Map(Array.from({ length: MOST_REVOCATIONS }, (_, n) => [`jti:${n}`, now - n])));
      assert.equal(await store.revoke('jti:new', 0), null);
      assert.notEqual(await store.revoke('jti:7', 0), null);
      assert.equal((await store.read(null))?.list.size, MOST_REVOCATIONS);
    });
  });
}
