import type { Server } from 'node:http';
import { createServer, type Server as TcpServer, type Socket } from 'node:net';
import { createIsTrusted, rememberProxied } from './client-address.ts';
import { parseProxyHeader } from './proxy-protocol.ts';

export interface ProxyFrontOptions {
  /** Peers outside these ranges are cut off; none means that everybody may speak the protocol. */
  readonly trustedProxies: readonly string[];
  /** A connection without a whole header by then is cut off. */
  readonly headerTimeoutMs: number;
}

/** Reads the PROXY header, then hands the connection to the real server as if it had just come in. */
export function createProxyFront(server: Server, options: ProxyFrontOptions): TcpServer {
  const isTrusted = createIsTrusted(options.trustedProxies);
  const front = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    if (options.trustedProxies.length > 0 && !isTrusted(socket.remoteAddress)) socket.destroy();
    else readHeader(socket, options.headerTimeoutMs, () => server.emit('connection', socket));
  });
  // Node starts its checks of slow requests when a server listens, which this one never does itself.
  front.once('listening', () => server.emit('listening'));
  front.once('close', () => server.close());
  return front;
}

function readHeader(socket: Socket, timeoutMs: number, accept: () => void): void {
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  socket.once('close', () => clearTimeout(timer));
  let bytes: Buffer = Buffer.alloc(0);
  const read = () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    bytes = Buffer.concat([bytes, chunk]);
    const header = parseProxyHeader(bytes);
    if (header.kind === 'incomplete') return;
    clearTimeout(timer);
    socket.off('readable', read);
    if (header.kind === 'invalid') {
      socket.destroy();
      return;
    }
    if (header.address !== null) rememberProxied(socket, header.address);
    const rest = bytes.subarray(header.length);
    if (rest.length > 0) socket.unshift(rest);
    accept();
  };
  socket.on('readable', read);
}
