import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecretReader } from './secret-reader.ts';

function reader() {
  let [at, reads] = [0, 0];
  const get = async (_kind: unknown, namespace: string, name: string) => {
    reads += 1;
    return { metadata: { namespace, name } };
  };
  const secrets = createSecretReader({ get }, { maxAgeMs: 600_000, now: () => at });
  return {
    readAll: async (count: number) => {
      const before = reads;
      for (let index = 0; index < count; index += 1) await secrets.read('voice', `s${index}`);
      return reads - before;
    },
    later: (ms: number) => void (at += ms),
  };
}

test('a few Secrets are read anew at each look, so that a change is seen within half a minute', async () => {
  const { readAll, later } = reader();
  assert.equal(await readAll(50), 50);
  later(10_000);
  assert.equal(await readAll(50), 0);
  later(15_000);
  assert.equal(await readAll(50), 50);
});

test('thousands are read anew more seldom, ten a second, and each at the resync at the latest', async () => {
  const { readAll, later } = reader();
  assert.equal(await readAll(4_000), 4_000);
  later(390_000);
  assert.equal(await readAll(4_000), 0);
  later(20_000);
  assert.equal(await readAll(4_000), 4_000);
  assert.equal(await readAll(9_000), 5_000);
  later(590_000);
  assert.equal(await readAll(9_000), 0);
  later(20_000);
  assert.equal(await readAll(9_000), 9_000);
});
