import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CommandFault } from '../administration.ts';
import { codeOf } from '../doctor/listeners.ts';
import type { ReceivedRequest } from './received.ts';

/** More than any event: no gateway sends a longer body. */
const MOST_BYTES = 4 * 1_024 * 1_024;

/** Returns the status of the answer. */
export type Take = (request: ReceivedRequest) => number;

export interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** Rejects with a CommandFault when the port is not available. */
export async function listenForWebhooks(at: { host: string; port: number }, take: Take): Promise<Listening> {
  const server = createServer((request, response) => void answer(request, response, take));
  server.listen(at.port, at.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new CommandFault('unreachable', `cannot listen on ${at.host}:${at.port} (${codeOf(error)})`);
  }
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, take: Take): Promise<void> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) return void response.writeHead(413, { connection: 'close' }).end();
      chunks.push(chunk);
    }
  } catch {
    // The sender has gone: no answer is possible.
    return;
  }
  const { method = '', url = '', headers } = request;
  const single = Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : undefined]);
  const taken = { method, path: url, headers: Object.fromEntries(single), body: Buffer.concat(chunks) };
  response.writeHead(take(taken)).end();
}
