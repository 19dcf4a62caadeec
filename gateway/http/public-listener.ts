import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import { PROBLEM_TYPE, problemBody, type Problem } from './problem.ts';
import { createProxyFront } from './proxy-front.ts';
import { refuseOnSocket } from './refuse-upgrade.ts';

export interface PublicListenerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM; null is plain HTTP, for a proxy in front that ends TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly app: RequestListener;
  /** Owns the socket from here on. */
  readonly onUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => Promise<void>;
  readonly proxyProtocol: boolean;
  /** With the PROXY protocol: peers outside these ranges are cut off; none means all may speak it. */
  readonly trustedProxies: readonly string[];
  readonly limits?: Partial<typeof LIMITS>;
  /** Told of an upgrade that failed in a way nobody foresaw; the connection is cut. */
  readonly unexpected?: (error: unknown) => void;
}

export interface PublicListener extends AsyncDisposable {
  readonly port: number;
  setCertificate(certificate: { cert: string; key: string }): void;
}

/** What a slow or greedy client may take. Node's own defaults leave a slow header 95 s. */
export const LIMITS = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  keepAliveTimeoutMs: 30_000,
  checkEveryMs: 1_000,
  headerBytes: 8 * 1024,
  headers: 64,
  proxyHeaderMs: 5_000,
  /** What is still under way when the listener closes gets this long. */
  closeMs: 500,
};

const MIN_VERSION = 'TLSv1.2';

/** The listener the world reaches: TLS, limits, PROXY protocol; upgrades are handed over with their raw socket. */
export async function openPublicListener(options: PublicListenerOptions): Promise<PublicListener> {
  const limits = { ...LIMITS, ...options.limits };
  const server = createServer(options, limits);
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.setNoDelay(true);
    if (hasTooManyHeaders(request, limits)) return refuseOnSocket(socket, TOO_MANY_HEADERS);
    options.onUpgrade(request, socket, head).catch((error: unknown) => {
      options.unexpected?.(error);
      socket.destroy();
    });
  });
  const secured = new WeakSet<Socket>();
  server.on('secureConnection', (socket: Socket) => secured.add(socket));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // What fails before there is TLS cannot be answered: its socket still waits for the handshake.
    if (options.tls !== null && !secured.has(socket)) socket.destroy();
    else answerClientError(error, socket);
  });
  const front = options.proxyProtocol
    ? createProxyFront(server, { ...options, headerTimeoutMs: limits.proxyHeaderMs })
    : server;
  const open = new Set<Socket>();
  front.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  await listen(front, options);
  return {
    port: (front.address() as AddressInfo).port,
    setCertificate: (certificate) => {
      if ('setSecureContext' in server) server.setSecureContext({ ...certificate, minVersion: MIN_VERSION });
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => {
        front.close(() => resolve());
      });
      server.closeIdleConnections();
      // Upgraded connections are no longer the server's: without this the close would wait for them for ever.
      const timer = setTimeout(() => open.forEach((socket) => socket.destroy()), limits.closeMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function createServer(options: PublicListenerOptions, limits: typeof LIMITS): Server | HttpsServer {
  const http = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkEveryMs,
    maxHeaderSize: limits.headerBytes,
    noDelay: true,
    // Without it an h2c offer, as curl makes one with --http2, would turn a login into an upgrade.
    shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
  };
  const app: RequestListener = (request, response) => {
    if (!hasTooManyHeaders(request, limits)) return options.app(request, response);
    response.writeHead(TOO_MANY_HEADERS.status, { 'Content-Type': PROBLEM_TYPE, Connection: 'close' });
    return response.end(problemBody(TOO_MANY_HEADERS));
  };
  const server =
    options.tls === null
      ? createHttpServer(http, app)
      : createHttpsServer(
          { ...http, ...options.tls, minVersion: MIN_VERSION, handshakeTimeout: limits.handshakeTimeoutMs },
          app,
        );
  // Node drops headers beyond its limit in silence: here they are counted and refused.
  server.maxHeadersCount = 0;
  return server;
}

function hasTooManyHeaders(request: IncomingMessage, limits: typeof LIMITS): boolean {
  return request.rawHeaders.length / 2 > limits.headers;
}

/** Answers what is no request, unless an answer to the one before it is already under way. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket & { _httpMessage?: { headersSent: boolean } }) {
  if (socket._httpMessage?.headersSent === true) socket.destroy();
  else refuseOnSocket(socket, problemOf(error));
}

function listen(server: TcpServer, options: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

const TOO_MANY_HEADERS: Problem = {
  status: 431,
  code: 'too_many_headers',
  detail: `Send at most ${LIMITS.headers} header fields, of ${LIMITS.headerBytes} bytes in all.`,
};

function problemOf(error: NodeJS.ErrnoException): Problem {
  if (error.code === 'HPE_HEADER_OVERFLOW') return { ...TOO_MANY_HEADERS, code: 'headers_too_large' };
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, code: 'request_timeout', detail: 'The request did not arrive in time.' };
  }
  return { status: 400, code: 'malformed_request', detail: 'This is not an HTTP/1.1 request.' };
}
