import { createServer, type RequestListener } from 'node:http';
import type { Logger } from '../logging/logger.ts';
import { takeTracesOfProducers } from '../telemetry/producer-traces.ts';
import { listenOn } from './listen.ts';
import { isOwnHost, MISDIRECTED } from './own-host.ts';

export interface InnerListener extends AsyncDisposable {
  readonly port: number;
}

/** Plain HTTP on an address that only the platform reaches. Stays open while the public one drains. */
export async function openInnerListener(options: {
  readonly host: string;
  readonly port: number;
  readonly app: RequestListener;
  readonly logger: Pick<Logger, 'info'>;
}): Promise<InnerListener> {
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, noDelay: true },
    (request, response) => {
      if (isOwnHost(request)) return options.app(request, response);
      response.writeHead(MISDIRECTED.status, { 'Content-Type': MISDIRECTED.type, Connection: 'close' });
      return response.end(MISDIRECTED.body);
    },
  );
  takeTracesOfProducers(server);
  const port = await listenOn(server, options);
  return {
    port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
    },
  };
}
