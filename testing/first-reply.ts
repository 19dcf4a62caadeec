import { once } from 'node:events';
import { connect } from 'node:net';

const LIMIT_MS = 5_000;

/** The first text that a server on this port sends after this greeting; empty when nobody answers in time. */
export async function firstReply(port: number, greeting = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  // A server that ends the connection without a word emits neither data nor an error.
  const signal = AbortSignal.timeout(LIMIT_MS);
  try {
    await once(socket, 'connect', { signal });
    socket.write(Buffer.from(greeting, 'latin1'));
    const [reply] = (await once(socket, 'data', { signal })) as [Buffer];
    return reply.toString('latin1');
  } catch {
    return '';
  } finally {
    socket.destroy();
  }
}
