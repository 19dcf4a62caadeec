import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import { openStateFolder } from '../state/state-folder.ts';
import { openListener } from '../testing/public-listener.ts';
import { selfSigned } from './self-signed.ts';

/** A client that would speak TLS 1.1. */
const OLD = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

/** Suite and version of a connection with these options; the alert's code when there is none. */
function agreed(port: number, ca: string, options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', ca, rejectUnauthorized: false, ...options }, () => {
      resolve(`${socket.getProtocol()} ${socket.getCipher().name}`);
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });
}

test('AES-128 comes first, before and after a change of the certificate; what a client offers alone is taken', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-tls-'));
  try {
    const tls = await selfSigned(await openStateFolder(folder), Date.now());
    await using server = await openListener({ listener: { tls } });
    const with256 = { ciphers: 'TLS_AES_256_GCM_SHA384' };
    for (let round = 0; round < 2; round += 1) {
      const suites = [{}, with256, { maxVersion: 'TLSv1.2' }, OLD] as const;
      assert.deepEqual(await Promise.all(suites.map((options) => agreed(server.port, tls.cert, options))), [
        'TLSv1.3 TLS_AES_128_GCM_SHA256',
        'TLSv1.3 TLS_AES_256_GCM_SHA384',
        'TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256',
        'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      ]);
      server.setCertificate(tls);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
