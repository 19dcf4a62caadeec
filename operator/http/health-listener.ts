import type { IncomingMessage, ServerResponse } from 'node:http';
import { openInnerListener, type InnerListener } from '../../runtime/http/inner-listener.ts';
import type { Logger } from '../../runtime/logging/logger.ts';

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  readonly isReady: () => boolean;
  readonly metrics: (request: IncomingMessage, response: ServerResponse) => void;
}

/** `/livez`, `/readyz` and `/metrics`, for the platform. */
export function openHealthListener(options: HealthOptions): Promise<InnerListener> {
  return openInnerListener({
    ...options,
    app: (request, response) => {
      if (request.url === '/metrics') return options.metrics(request, response);
      if (request.url === '/livez') return response.end('ok\n');
      if (request.url === '/readyz') {
        response.statusCode = options.isReady() ? 200 : 503;
        return response.end(options.isReady() ? 'ok\n' : 'not everything is known yet\n');
      }
      response.statusCode = 404;
      return response.end('not found\n');
    },
  });
}
