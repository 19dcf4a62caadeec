import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificates } from '../../testing/certificates.ts';

/** A server of the platform, over TLS, with its own host name and authority. */
export interface TlsServer extends AsyncDisposable {
  readonly url: string;
  readonly caFile: string;
  /** From now on answers like this. */
  answer(listener: RequestListener): void;
  close(): Promise<void>;
}

export async function startTlsServer(): Promise<TlsServer> {
  const certificates = await makeCertificates('localhost');
  const [cert, key] = [await readFile(certificates.certFile), await readFile(certificates.keyFile)];
  let listener: RequestListener = (_, response) => void response.writeHead(404).end();
  const server = createServer({ cert, key }, (request, response) => listener(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    caFile: certificates.caFile,
    answer: (next) => (listener = next),
    close,
    async [Symbol.asyncDispose]() {
      await close();
      await certificates[Symbol.asyncDispose]();
    },
  };
}
