import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

const trusted = new WeakSet<Socket>();

/**
 * A client that reaches this listener may decide, by a `traceparent`, that a request to the ingest endpoint is traced.
 */
export function takeTracesOfProducers(server: Server): void {
  server.on('connection', (socket) => trusted.add(socket));
}

export function mayBringTrace({ socket }: IncomingMessage): boolean {
  return trusted.has(socket);
}
