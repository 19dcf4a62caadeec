import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import { openStateFolder } from '../state/state-folder.ts';
import { fileRevocationStore } from './file-store.ts';
import { LIFETIME_US } from './revocation.ts';
import { revocationStoreSuite } from './revocation-store.suite.ts';

async function folder(now: () => number = Date.now) {
  const path = await mkdtemp(join(tmpdir(), 'firehose-revocations-'));
  return {
    path,
    open: async () => fileRevocationStore(await openStateFolder(path), now),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

revocationStoreSuite('revocations in the state folder', () => folder());

test('many at once all get into the file, which its owner alone can read', async () => {
  await using at = await folder();
  const store = await at.open();
  await Promise.all(Array.from({ length: 50 }, (_, n) => store.revoke(`jti:${n}`, 0)));
  assert.equal((await (await at.open()).read(null))?.list.size, 50);
  assert.equal((await stat(join(at.path, 'revocations.json'))).mode & 0o777, 0o600);
});

test('what is over is not read again', async () => {
  let now = Date.now();
  await using at = await folder(() => now);
  await (await at.open()).revoke('jti:a', 0);
  now += LIFETIME_US / 1_000;
  assert.equal((await (await at.open()).read(null))?.list.size, 0);
});

test('a file that is no list of revocations is a fault that names it: nobody is let in by mistake', async () => {
  for (const text of ['', '{', '{}', '[["jti:a"]]', '[["a",5]]', '[["jti:a",-5]]']) {
    await using at = await folder();
    await writeFile(join(at.path, 'revocations.json'), text);
    await assert.rejects(at.open(), (error) => error instanceof ConfigurationFault && error.message.includes(at.path));
  }
});

test('nobody reads a revocation before the file holds it', async () => {
  await using at = await folder();
  const state = await openStateFolder(at.path);
  const writable = Promise.withResolvers<void>();
  const slow = {
    ...state,
    write: (name: string, text: string) => writable.promise.then(() => state.write(name, text)),
  };
  const store = await fileRevocationStore(slow, Date.now);
  const revoking = store.revoke('jti:a', 0);
  assert.equal((await store.read(null))?.list.size, 0);
  writable.resolve();
  await revoking;
  assert.equal((await store.read(null))?.list.size, 1);
});
