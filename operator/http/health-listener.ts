import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  readonly isReady: () => boolean;
  readonly metrics: (request: IncomingMessage, response: ServerResponse) => void;
}

export interface HealthListener extends AsyncDisposable {
  readonly port: number;
}

/** `/livez`, `/readyz` and `/metrics`, for the platform. */
export async function openHealthListener(options: HealthOptions): Promise<HealthListener> {
  const server = createServer((request, response) => {
    if (request.url === '/metrics') return options.metrics(request, response);
    if (request.url === '/livez') return response.end('ok\n');
    if (request.url === '/readyz') {
      response.statusCode = options.isReady() ? 200 : 503;
      return response.end(options.isReady() ? 'ok\n' : 'not everything is known yet\n');
    }
    response.statusCode = 404;
    return response.end('not found\n');
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
