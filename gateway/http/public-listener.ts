import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { listenOn } from '../../runtime/http/listen.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { networkOf, type AddressAllowance } from './address-allowance.ts';
import type { AddressFaults } from './address-faults.ts';
import { Turns } from './event-loop-turns.ts';
import type { Mismatch } from './first-bytes.ts';
import { createFront } from './front.ts';
import { LIMITS, type Limits } from './limits.ts';
import { EXPECTATION_FAILED, NO_TUNNEL, problemOf } from './listener-problems.ts';
import { OpenConnections } from './open-connections.ts';
import { problemResponse } from './refuse-upgrade.ts';
import { RequestGate } from './request-gate.ts';
import { RequestRouter, type Routes } from './request-router.ts';
import { TLS_OPTIONS } from '../tls/options.ts';

/** More than eight members: the settings of one listener, each used by one of the layers of a connection. */
export interface PublicListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: Pick<Logger, 'info'>;
  /** PEM; null is plain HTTP, behind a proxy that terminates TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Every connection begins with a PROXY header, and peers outside `trustedProxies` are cut off. */
  readonly proxyProtocol: boolean;
  readonly trustedProxies: readonly string[];
  /** Most concurrent connections; null: no limit. Further ones are cut off at once. */
  readonly maxConnections: number | null;
  readonly limits?: Partial<Limits>;
  readonly allowance: AddressAllowance;
  readonly faults: AddressFaults;
  readonly routes: Routes;
  readonly events: ListenerEvents;
}

/** Reports of the listener. */
interface ListenerEvents {
  /** A request was answered, including an upgrade that this listener refused. */
  readonly onAnswer: (status: number) => void;
  readonly onMismatch: (mismatch: Mismatch, address: string) => void;
  /** A connection was cut off: its address has opened too many, or this replica has no room. */
  readonly onDropped: (why: 'address' | 'replica') => void;
  /** An upgrade failed unexpectedly; its connection is cut off. */
  readonly unexpected: (error: unknown) => void;
}

export interface PublicListener extends AsyncDisposable {
  readonly port: number;
  setCertificate(certificate: { cert: string; key: string }): void;
}

const NOTHING = Buffer.alloc(0);

/**
 * The listener for clients: first bytes -> TLS -> one request at a time -> routes. An upgrade is passed on with the
 * connection itself: the event path writes to it directly.
 */
export async function openPublicListener(options: PublicListenerOptions): Promise<PublicListener> {
  const limits = { ...LIMITS, ...options.limits };
  const { allowance, faults, events } = options;
  const turns = new Turns();
  const open = new OpenConnections(faults);
  const router = new RequestRouter({ ...options, turns, excuse: ({ socket }) => open.excuse(socket) }, limits);
  const http = createHttp(router, events, limits);
  const serve = (socket: Socket, first: Buffer) => http.emit('connection', new RequestGate(socket, limits, first));
  const tls = options.tls === null ? null : createTls(options.tls, limits, (socket) => serve(socket, NOTHING));
  const front = createFront({
    expected: { proxyHeader: options.proxyProtocol, tls: tls !== null },
    trustedProxies: options.trustedProxies,
    firstBytesMs: limits.firstBytesMs,
    admit(address) {
      const now = performance.now();
      const isFull = faults.isSlowedDown(address, now) && turns.isFull(networkOf(address));
      const isAdmitted = !isFull && allowance.take(address, now);
      if (!isAdmitted) events.onDropped('address');
      return isAdmitted;
    },
    onMismatch: events.onMismatch,
    inTurn(address, start) {
      if (address === null || !faults.isSlowedDown(address, performance.now())) {
        turns.run(networkOf(address ?? ''), 'begin', start);
        return true;
      }
      const hasRoom = turns.runSlowly(networkOf(address), start);
      if (!hasRoom) events.onDropped('address');
      return hasRoom;
    },
    accept(socket, address, first) {
      open.judge(socket, address);
      if (tls === null) return void serve(socket, first);
      if (first.length > 0) socket.unshift(first);
      tls.emit('connection', socket);
    },
  });
  if (options.maxConnections !== null) front.maxConnections = options.maxConnections;
  front.on('drop', () => events.onDropped('replica'));
  front.on('connection', (socket: Socket) => open.add(socket));
  const port = await listenOn(front, options);
  // Node starts its checks of slow requests when an HTTP server listens, which this one never does itself.
  http.emit('listening');
  return {
    port,
    setCertificate: (certificate) => tls?.setSecureContext({ ...certificate, ...TLS_OPTIONS }),
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => void front.close(() => resolve()));
      http.closeIdleConnections();
      // Upgraded connections no longer belong to the server: otherwise the close would wait for them.
      const timer = setTimeout(() => open.destroy(), limits.closeMs);
      await closed;
      clearTimeout(timer);
      http.close();
      tls?.close();
    },
  };
}

function createTls(
  certificate: { cert: string; key: string },
  { handshakeTimeoutMs }: Limits,
  serve: (socket: Socket) => void,
): TlsServer {
  const server = createTlsServer({
    ...certificate,
    ...TLS_OPTIONS,
    handshakeTimeout: handshakeTimeoutMs,
    ALPNProtocols: ['http/1.1'],
  });
  server.on('secureConnection', serve);
  // A failure before TLS cannot be answered.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

function createHttp(router: RequestRouter, events: ListenerEvents, limits: Limits): Server {
  const server = createHttpServer({
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkEveryMs,
    maxHeaderSize: limits.headerBytes,
    // Checked in checkForm, also for upgrades.
    requireHostHeader: false,
    // Otherwise an h2c offer (curl --http2) would turn a login into an upgrade.
    shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
  });
  // Node silently drops headers beyond its limit: checkForm counts them.
  server.maxHeadersCount = 0;
  server.on('request', (request, response) => router.request(request, response, null));
  server.on('checkExpectation', (request, response) => router.request(request, response, EXPECTATION_FAILED));
  server.on('upgrade', (request: IncomingMessage, _gate, head: Buffer) => router.upgrade(request, head, null));
  server.on('connect', (request: IncomingMessage, _gate, head: Buffer) => router.upgrade(request, head, NO_TUNNEL));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const gate = socket as unknown as RequestGate & { _httpMessage?: { headersSent: boolean } };
    // An answer is already being sent.
    if (gate._httpMessage?.headersSent === true || !gate.writable) return void gate.destroy();
    const problem = problemOf(error);
    events.onAnswer(problem.status);
    gate.write(problemResponse(problem));
    gate.destroySoon();
  });
  return server;
}
