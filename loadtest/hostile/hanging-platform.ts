import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificates } from '../../testing/certificates.ts';

/** A platform that serves its directory, and accepts every login request without ever answering. */
export interface HangingPlatform extends AsyncDisposable {
  readonly url: string;
  /** Path of its authority's PEM. */
  readonly caFile: string;
}

/** `directory` is the text of a directory, see docs/directory.md. */
export async function openHangingPlatform(directory: string): Promise<HangingPlatform> {
  const certificates = await makeCertificates('localhost');
  const [cert, key] = [await readFile(certificates.certFile), await readFile(certificates.keyFile)];
  const server = createServer({ cert, key }, (request, response) => {
    request.resume();
    if (request.method === 'GET') response.setHeader('Content-Type', 'application/json').end(directory);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/firehose`,
    caFile: certificates.caFile,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      await certificates[Symbol.asyncDispose]();
    },
  };
}
