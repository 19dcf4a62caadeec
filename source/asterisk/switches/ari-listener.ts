import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createPlain, type IncomingMessage } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { SwitchFault, type Switch, type SwitchConnection, type SwitchListener } from '../../switch.ts';
import { listChannels, readInfo } from './ari-rest.ts';
import { ARI_MAX_MESSAGE_BYTES, ariSocket, type AriSocket } from './ari-socket.ts';
import { SWITCH_LIMITS, type SwitchLimits } from './endpoint.ts';

const MAX_CONNECTIONS = 256;
const HANDSHAKE_LIMIT_MS = 10_000;
const LIMITS: AriListenerLimits = { ...SWITCH_LIMITS, awaitMs: 30_000 };

export interface AriListenerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** PEM of the server; null: without TLS. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  readonly endpoints: readonly AriOutboundEndpoint[];
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly limits?: AriListenerLimits;
}

interface AriListenerLimits extends SwitchLimits {
  /** How long an `open` waits for Asterisk. */
  readonly awaitMs: number;
}

/** What one Asterisk connects with: its `uri` ends with `/<name>`. */
interface AriOutboundEndpoint {
  readonly name: string;
  readonly username: string;
  readonly password: string;
}

/** Where Asterisks connect to by themselves (22.5 and later). */
export interface AriListener extends AsyncDisposable {
  readonly port: number;
  /** By the names of their endpoints. */
  readonly switches: ReadonlyMap<string, Switch>;
}

/**
 * One endpoint's state. A connection that nobody has asked for is refused: Asterisk keeps the events and tries again.
 */
interface Door {
  readonly credentials: Buffer;
  waiting: ((socket: WebSocket) => void) | null;
  live: AriSocket | null;
  /** Whether one came with other credentials since the last `open`. */
  refused: boolean;
  /** The end of the last connection, when everything that Asterisk had sent was received. */
  clean: { readonly instance: string; readonly since: number } | null;
}

export async function startAriListener(options: AriListenerOptions): Promise<AriListener> {
  const { host, port, tls, endpoints, now, limits = LIMITS } = options;
  const doors = new Map(endpoints.map((endpoint) => [endpoint.name, doorOf(endpoint)]));
  const server = tls === null ? createPlain() : createTls({ ...tls, handshakeTimeout: HANDSHAKE_LIMIT_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.headersTimeout = HANDSHAKE_LIMIT_MS;
  server.on('request', (_request, response) => response.writeHead(426, { connection: 'close' }).end());
  server.on('clientError', (_error, socket) => socket.destroy());
  const upgrades = new WebSocketServer({
    noServer: true,
    maxPayload: ARI_MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('ari') ? 'ari' : false),
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const door = doors.get(nameOf(request));
    const status = door === undefined ? 404 : admit(door, request);
    const enter = door?.waiting;
    if (status !== 101 || enter === null || enter === undefined) return refuse(socket, status);
    upgrades.handleUpgrade(request, socket, head, enter);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    switches: new Map(
      [...doors].map(([name, door]) => [
        name,
        { open: (listener, signal) => open({ door, name, limits, now, listener, signal }) },
      ]),
    ),
    async [Symbol.asyncDispose]() {
      for (const { live } of doors.values()) await live?.close();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function doorOf(endpoint: AriOutboundEndpoint): Door {
  return { credentials: digest(basic(endpoint)), waiting: null, live: null, refused: false, clean: null };
}

/** The status for a connection that asks for this door; 101: it may enter. */
function admit(door: Door, request: IncomingMessage): number {
  if (!timingSafeEqual(digest(request.headers.authorization ?? ''), door.credentials)) {
    door.refused = true;
    return 401;
  }
  // Asterisk lost the old one, or a second Asterisk has this one's name. It tries again.
  door.live?.end('Replaced');
  return door.waiting === null ? 503 : 101;
}

interface Opening {
  readonly door: Door;
  readonly name: string;
  readonly limits: AriListenerLimits;
  readonly now: () => number;
  readonly listener: SwitchListener;
  readonly signal: AbortSignal;
}

async function open({ door, name, limits, now, listener, signal }: Opening): Promise<SwitchConnection> {
  const socket = await arrival(door, name, limits.awaitMs, signal);
  const wrapped = ariSocket(socket, { listener, limits, where: name, now });
  const connectedAt = now();
  door.live = wrapped;
  void wrapped.lost.then(() => (door.live = door.live === wrapped ? null : door.live));
  try {
    const info = await readInfo(wrapped.get, name, signal);
    // The switch kept what happened since: nothing was lost.
    const since = door.clean?.instance === info.instance ? door.clean.since : connectedAt;
    door.clean = null;
    return {
      ...info,
      since,
      get heardAt() {
        return wrapped.heardAt;
      },
      degraded: null,
      lost: wrapped.lost,
      listing: (stop) => listChannels(wrapped.get, name, stop),
      async [Symbol.asyncDispose]() {
        if (await wrapped.close()) door.clean = { instance: info.instance, since };
      },
    };
  } catch (error) {
    wrapped.end('Unreachable');
    throw error;
  }
}

/** Waits for Asterisk. Wrong credentials end no wait: anyone who reaches the port can bring them. */
async function arrival(door: Door, name: string, limitMs: number, signal: AbortSignal): Promise<WebSocket> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  door.refused = false;
  door.waiting = (socket) => {
    door.waiting = null;
    resolve(socket);
  };
  const late = () =>
    reject(
      door.refused
        ? new SwitchFault('Credentials', `${name}: it connects with a wrong user or password`)
        : new SwitchFault('Unreachable', `${name}: it has not connected for ${limitMs} ms`),
    );
  const timer = setTimeout(late, limitMs);
  const stop = () => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await promise;
  } finally {
    door.waiting = null;
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function refuse(socket: Duplex, status: number): void {
  socket.end(
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Service Unavailable'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  );
}

const REASONS: Readonly<Record<number, string>> = { 401: 'Unauthorized', 404: 'Not Found' };

function nameOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0]?.split('/').at(-1) ?? '';
}

function basic({ username, password }: AriOutboundEndpoint): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
