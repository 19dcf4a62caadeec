import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { openKeyRing } from './signing-keys.ts';

async function keyFile() {
  const folder = await mkdtemp(join(tmpdir(), 'keys-'));
  return {
    path: join(folder, 'state', 'signing-key.json'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

test('a key is made once, only its owner can read it, and a restart finds it again', async () => {
  await using file = await keyFile();
  const first = await openKeyRing(file.path, 'HS256');
  const second = await openKeyRing(file.path, 'HS256');
  assert.equal(second.kid, first.kid);
  assert.equal((await stat(file.path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(dirname(file.path)), ['signing-key.json']);
});

test('another algorithm gets a new key, and the old one still verifies', async () => {
  await using file = await keyFile();
  const old = await openKeyRing(file.path, 'HS256');
  const next = await openKeyRing(file.path, 'ES256');
  assert.equal(next.algorithm, 'ES256');
  assert.equal(next.verifyKeys.get(old.kid)?.algorithm, 'HS256');
});

test('what is published holds public parts alone, and nothing of HS256', async () => {
  await using file = await keyFile();
  assert.deepEqual((await openKeyRing(file.path, 'HS256')).jwks, { keys: [] });
  const { jwks, kid } = await openKeyRing(file.path, 'EdDSA');
  const [key] = jwks.keys;
  assert.equal(jwks.keys.length, 1);
  assert.deepEqual(Object.keys(key ?? {}).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  assert.equal(key?.kid, kid);
});

test('a file that holds no signing keys is a fault that does not repeat it', async () => {
  await using file = await keyFile();
  await openKeyRing(file.path, 'HS256');
  for (const content of [
    'canary',
    '{"k":"canary"}',
    '[{"kty":"oct","k":"canary","kid":"a","alg":"HS256"}]',
    '[{"kty":"oct","kid":"a"}]',
    '[{"kty":"OKP","crv":"Ed25519","x":"canary","d":"canary","kid":"a","alg":"EdDSA"}]',
    '[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA","kid":"a","alg":"EdDSA"}]',
  ]) {
    await writeFile(file.path, content);
    await assert.rejects(openKeyRing(file.path, 'HS256'), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'signing_key_invalid');
      assert.ok(!error.message.includes('canary'));
      return true;
    });
  }
});
