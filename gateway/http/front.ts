import type { Problem } from './problem.ts';
import { createServer, type Server, type Socket } from 'node:net';
import { createIsTrusted, rememberProxied } from './client-address.ts';
import { judgeFirstBytes, type Expected, type Mismatch } from './first-bytes.ts';
import type { Work } from './lanes.ts';
import { refuseOnSocket } from './refuse-upgrade.ts';

export interface FrontOptions {
  readonly expected: Expected;
  /** Peers that may send a PROXY header, and whose connections are not limited by their own address. */
  readonly trustedProxies: readonly string[];
  /** A connection that has not sent its first bytes by then is cut off. */
  readonly firstBytesMs: number;
  /** Whether an address may open another connection. */
  readonly admit: (address: string) => boolean;
  /** A connection was cut off for what it began with. */
  readonly onMismatch: (mismatch: Mismatch, address: string) => void;
  /**
   * Runs `start` when it is the turn of the address (null: of all proxies): a crowd that connects at once must not hold
   * up events. False: it never runs.
   */
  readonly inTurn: (address: string | null, start: Work) => boolean;
  readonly accept: (socket: Socket, address: string | null) => void;
}

/**
 * Accepts connections, reads their first bytes, and hands over those that begin as this port expects: with a PROXY
 * header where that is configured, then with TLS or without it. A connection without any bytes is a health check.
 */
export function createFront(options: FrontOptions): Server {
  const isTrusted = createIsTrusted(options.trustedProxies);
  return createServer({ noDelay: true, allowHalfOpen: !options.expected.tls }, (socket) => {
    const ignore = () => socket.destroy();
    socket.on('error', ignore);
    const peer = socket.remoteAddress ?? '';
    const isProxy = isTrusted(peer);
    if (options.expected.proxyHeader && !isProxy) {
      options.onMismatch('proxy_not_trusted', peer);
      socket.destroy();
    } else if (!isProxy && !options.admit(peer)) socket.destroy();
    else readFirstBytes(socket, { peer, isProxy }, options, ignore);
  });
}

interface Peer {
  readonly peer: string;
  readonly isProxy: boolean;
}

function readFirstBytes(socket: Socket, { peer, isProxy }: Peer, options: FrontOptions, ignore: () => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  const refuse = (mismatch: Mismatch) => {
    options.onMismatch(mismatch, peer);
    if (mismatch === 'tls_missing') refuseOnSocket(socket, TLS_REQUIRED);
    else socket.destroy();
  };
  const timer = setTimeout(() => {
    if (bytes.length > 0 && options.expected.proxyHeader) options.onMismatch('proxy_header_missing', peer);
    socket.destroy();
  }, options.firstBytesMs);
  const stop = () => {
    clearTimeout(timer);
    socket.off('readable', read).off('close', stop).off('end', ignore);
  };
  const read = () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const verdict = judgeFirstBytes(bytes, options.expected);
    if (verdict.kind === 'incomplete') return;
    stop();
    if (verdict.kind === 'mismatch') return refuse(verdict.mismatch);
    if (verdict.address !== null) {
      rememberProxied(socket, verdict.address);
      if (!options.admit(verdict.address)) return void socket.destroy();
    }
    const rest = bytes.subarray(verdict.headerLength);
    if (rest.length > 0) socket.unshift(rest);
    const from = verdict.address ?? (isProxy ? null : peer);
    const start = () => {
      socket.off('error', ignore);
      if (socket.destroyed) return false;
      options.accept(socket, from);
      return true;
    };
    if (!options.inTurn(from, start)) socket.destroy();
  };
  socket.on('readable', read).on('close', stop).on('end', ignore);
}

const TLS_REQUIRED: Problem = {
  status: 400,
  code: 'tls_required',
  detail: 'This port speaks HTTPS and WSS: use https:// or wss:// instead of http:// or ws://.',
};
