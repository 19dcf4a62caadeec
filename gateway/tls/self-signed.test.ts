import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStateFolder } from '../state/state-folder.ts';
import { selfSigned } from './self-signed.ts';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const DAY_MS = 86_400_000;

async function withState(run: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'firehose-tls-'));
  try {
    await run(path);
  } finally {
    await rm(path, { recursive: true });
  }
}

test('the certificate is signed by ca.crt, names localhost and the loopback addresses, and outlives a restart', async () => {
  await withState(async (path) => {
    const state = await openStateFolder(path);
    const first = await selfSigned(state, NOW);
    const authority = new X509Certificate((await state.read('ca.crt')) ?? '');
    const certificate = new X509Certificate(first.cert);
    assert.ok(certificate.verify(authority.publicKey));
    assert.match(certificate.subjectAltName ?? '', /DNS:localhost.*IP Address:127\.0\.0\.1/);
    assert.deepEqual(await selfSigned(state, NOW + DAY_MS), first);
  });
});

test('a certificate near its end is renewed under the same authority', async () => {
  await withState(async (path) => {
    const state = await openStateFolder(path);
    const first = await selfSigned(state, NOW);
    const authority = await state.read('ca.crt');
    const renewed = await selfSigned(state, NOW + 340 * DAY_MS);
    assert.notEqual(renewed.cert, first.cert);
    assert.equal(await state.read('ca.crt'), authority);
    assert.ok(new X509Certificate(renewed.cert).verify(new X509Certificate(authority ?? '').publicKey));
  });
});

test('keys are readable by their owner alone', async () => {
  await withState(async (path) => {
    await selfSigned(await openStateFolder(path), NOW);
    for (const name of ['server.key', 'ca.key']) assert.equal((await stat(join(path, name))).mode & 0o777, 0o600);
  });
});
