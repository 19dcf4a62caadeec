import type { Socket } from 'node:net';
import { guardedSocket } from '../../runtime/net/guarded-socket.ts';
import type { RedisConnection, RedisNode } from '../../runtime/redis/connection.ts';
import { PROBE_MS } from './limit.ts';

/** `TLS_REQUIRED`: the server uses TLS, and the settings do not. `TLS_ABSENT`: the reverse. */
export type TlsMismatch = 'TLS_REQUIRED' | 'TLS_ABSENT';

/** The client's errors when only one side uses TLS: meaningless bytes, or a connection that ends. */
const SUSPECT: ReadonlySet<string> = new Set(['UNREACHABLE', 'CONNECTION_LOST', 'TLS', 'TIMEOUT', 'UNKNOWN']);
/** Any Redis answers PING like this, whatever it requires first. */
const REDIS_ANSWER = /^(\+PONG|-[A-Z]+ )/;

/** Whether a server that failed with `code` uses TLS and the settings do not, or the reverse. */
export async function tlsMismatch(
  { tls, guard }: RedisConnection,
  { host, port }: RedisNode,
  code: string,
): Promise<TlsMismatch | null> {
  if (!SUSPECT.has(code)) return null;
  // With any certificate: this only checks whether the server uses TLS, and sends nothing.
  const options = tls === null ? { rejectUnauthorized: false } : null;
  const socket = guardedSocket({ host, port, tls: options }, guard);
  socket.setTimeout(PROBE_MS, () => socket.destroy());
  try {
    if (tls === null) return (await opens(socket, 'secureConnect')) ? 'TLS_REQUIRED' : null;
    if (!(await opens(socket, 'connect'))) return null;
    socket.write('PING\r\n');
    return REDIS_ANSWER.test(await firstBytes(socket)) ? 'TLS_ABSENT' : null;
  } finally {
    socket.destroy();
  }
}

function opens(socket: Socket, event: 'connect' | 'secureConnect'): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once(event, () => resolve(true));
    // The client has already reported why it does not open.
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

/** Empty when it ends without any. */
function firstBytes(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
    socket.once('close', () => resolve(''));
  });
}
