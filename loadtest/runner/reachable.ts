import { createConnection } from 'node:net';

const LIMIT_MS = 5_000;

/** Why nothing answers at the host and port of this URL, in a sentence; null when a connection is accepted. */
export async function whyUnreachable(url: string, limitMs = LIMIT_MS): Promise<string | null> {
  const { protocol, hostname, port } = new URL(url);
  const number = Number(port || (protocol === 'https:' ? 443 : 80));
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const socket = createConnection({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: number, timeout: limitMs });
  socket.once('connect', () => resolve(null));
  socket.once('timeout', () => resolve(`no answer within ${limitMs / 1_000} s`));
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  const why = await promise;
  socket.destroy();
  return why === null ? null : `Nothing answers at ${url}: ${why}. Start the gateway, or name another one.`;
}
