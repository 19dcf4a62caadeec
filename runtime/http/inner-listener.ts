import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { takeTracesOfProducers } from '../telemetry/producer-traces.ts';

export interface InnerListener extends AsyncDisposable {
  readonly port: number;
}

/** Plain HTTP on an address that the platform alone reaches. Stays open while the public one drains. */
export async function openInnerListener(options: {
  host: string;
  port: number;
  app: RequestListener;
}): Promise<InnerListener> {
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000, noDelay: true }, options.app);
  takeTracesOfProducers(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
    },
  };
}
