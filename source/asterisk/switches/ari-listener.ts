import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer as createPlain, type IncomingMessage } from 'node:http';
import { createServer as createTls, Server as TlsServer } from 'node:https';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { listenOn } from '../../../runtime/http/listen.ts';
import type { Logger } from '../../../runtime/logging/logger.ts';
import type { KeptMark, Switch } from '../../switch.ts';
import { openArrived, type AriListenerLimits, type Arriving } from './ari-arrival.ts';
import { ARI_MAX_MESSAGE_BYTES } from './ari-socket.ts';
import { SWITCH_LIMITS } from './endpoint.ts';

const MAX_CONNECTIONS = 256;
const HANDSHAKE_LIMIT_MS = 10_000;
const LIMITS: AriListenerLimits = { ...SWITCH_LIMITS, awaitMs: 30_000 };

interface ServerCertificate {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

export interface AriListenerOptions {
  /** `*`: all addresses. */
  readonly host: string;
  /** 0: a free port. */
  readonly port: number;
  /** Certificate and key of the server, PEM; null: without TLS. */
  readonly tls: ServerCertificate | null;
  /**
   * Takes the mark of the previous connection of this endpoint, from any replica; null when there is none. Called
   * before Asterisk is accepted. Rejects when the mark cannot be read.
   */
  readonly claim: (endpoint: string) => Promise<KeptMark | null>;
  readonly logger: Pick<Logger, 'info'>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly limits?: AriListenerLimits;
}

/** What one Asterisk connects with: its `uri` ends with `/<name>`. */
interface AriOutboundEndpoint {
  readonly name: string;
  readonly username: string;
  /** Must not appear in a log or an error (S12). */
  readonly password: string;
}

/** The listener for Asterisks that connect by themselves (22.5 and later). */
export interface AriListener extends AsyncDisposable {
  readonly port: number;
  /** Accepts this Asterisk from now on. Replaces an earlier one of the same name. */
  admit(endpoint: AriOutboundEndpoint): Switch;
  /** Stops accepting this Asterisk. */
  retain(names: ReadonlySet<string>): void;
  setCertificate(certificate: ServerCertificate): void;
}

/**
 * State of one endpoint. A connection without a waiting `open` is refused: Asterisk keeps the events and tries again.
 */
interface Door extends Arriving {
  readonly credentials: Buffer;
}

export async function startAriListener(options: AriListenerOptions): Promise<AriListener> {
  const { host, port, tls, now, logger, claim, limits = LIMITS } = options;
  const doors = new Map<string, Door>();
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
    const name = nameOf(request);
    const door = doors.get(name);
    const status = door === undefined ? 404 : statusFor(door, request);
    const enter = door?.waiting;
    if (door === undefined || status !== 101 || enter === null || enter === undefined) return refuse(socket, status);
    // At most one connection: a second one is refused until it is known what the first one missed.
    door.waiting = null;
    const upgrade = (mark: KeptMark | null) => {
      let isIn = false;
      upgrades.handleUpgrade(request, socket, head, (webSocket) => {
        isIn = true;
        enter({ socket: webSocket, mark });
      });
      if (!isIn) door.waiting ??= enter;
    };
    claim(name).then(upgrade, () => {
      door.waiting ??= enter;
      refuse(socket, 503);
    });
  });
  return {
    port: await listenOn(server, { host, port, logger }),
    admit(endpoint) {
      const { name } = endpoint;
      const door: Door = { credentials: digest(basic(endpoint)), waiting: null, live: null, refused: false };
      doors.set(name, door);
      return {
        connectsItself: true,
        open: (listener, signal) => openArrived({ door, name, limits, now, listener, signal }),
      };
    },
    retain(names) {
      for (const name of doors.keys()) if (!names.has(name)) doors.delete(name);
    },
    setCertificate(certificate) {
      if (server instanceof TlsServer) server.setSecureContext({ ...certificate });
    },
    async [Symbol.asyncDispose]() {
      for (const { live } of doors.values()) await live?.close();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** HTTP status for a connection to this endpoint; 101: accept it. */
function statusFor(door: Door, request: IncomingMessage): number {
  if (!timingSafeEqual(digest(request.headers.authorization ?? ''), door.credentials)) {
    door.refused = true;
    return 401;
  }
  // Asterisk lost the old connection, or a second Asterisk uses this name. It tries again.
  door.live?.end('Replaced');
  return door.waiting === null ? 503 : 101;
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
