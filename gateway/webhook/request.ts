import type { OnReadOpts } from 'node:net';
import { urlToHttpOptions } from 'node:url';
import type { AddressPolicy } from '../../runtime/net/address-guard.ts';
import { guardedSocket } from '../../runtime/net/guarded-socket.ts';
import type { CutSignal } from '../sender/cut.ts';
import type { Outcome } from './judge-answer.ts';
import { KeptConnection, type Request } from './kept-connection.ts';

export interface Receiver {
  readonly url: URL;
  readonly policy: AddressPolicy;
  /** Limit until the head of the answer, milliseconds. */
  readonly timeoutMs: number;
  /** The present authorities for its certificate; null: those of Node.js. */
  readonly ca: () => string | null;
}

interface Sending {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly signal: CutSignal;
}

/** Kept-alive connections to one receiver. */
export interface Requests extends Disposable {
  /** Posts a body. Never rejects; an aborted request is a failure with the code ABORTED. */
  send(sending: Sending): Promise<Outcome>;
}

export function openRequests({ timeoutMs, ...receiver }: Receiver): Requests {
  const connections = new Connections(receiver);
  const write = requestTo(receiver.url);
  return {
    async send({ headers, body, signal }) {
      const request = write(headers, body);
      const first = await connections.take().post(request, { signal, timeoutMs });
      if (!first.isStale || signal.aborted) return first.outcome;
      return (await connections.open().post(request, { signal, timeoutMs })).outcome;
    },
    [Symbol.dispose]: () => connections[Symbol.dispose](),
  };
}

/** The connections to a receiver: idle ones are kept, and there are as many as there are concurrent requests. */
class Connections implements Disposable {
  readonly #receiver: Omit<Receiver, 'timeoutMs'>;
  readonly #all = new Set<KeptConnection>();
  /** The one that was used last is the last one. */
  #idle: KeptConnection[] = [];
  /** The authorities by which all connections were verified. */
  #ca: string | null;
  /** Of TLS, for the next connection: without it each handshake costs a signature. */
  #session: Buffer | undefined;

  constructor(receiver: Omit<Receiver, 'timeoutMs'>) {
    this.#receiver = receiver;
    this.#ca = receiver.ca();
  }

  /** An idle connection, else a new one. */
  take(): KeptConnection {
    this.#followAuthorities();
    const now = performance.now();
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      if (last.isKeptAt(now)) return last;
      last[Symbol.dispose]();
    }
    return this.open();
  }

  /** A new connection, through the guard: the addresses of the name are judged now. */
  open(): KeptConnection {
    this.#followAuthorities();
    const { url, policy } = this.#receiver;
    const isSecure = url.protocol === 'https:';
    const ca = this.#ca;
    const session = this.#session;
    const tls = { ALPNProtocols: ['http/1.1'], ...(ca !== null && { ca }), ...(session && { session }) };
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const port = Number(url.port || (isSecure ? 443 : 80));
    const connect = (onread: OnReadOpts) => {
      const socket = guardedSocket({ host, port, tls: isSecure ? tls : null, onread }, policy);
      socket.on('session', (issued: Buffer) => {
        if (this.#ca === ca) this.#session = issued;
      });
      return socket.once('error', () => (this.#session = undefined));
    };
    const connection = new KeptConnection(connect, isSecure ? 'secureConnect' : 'connect', {
      onFree: (free) => this.#free(free, ca),
      onGone: (gone) => this.#gone(gone),
    });
    this.#all.add(connection);
    return connection;
  }

  [Symbol.dispose](): void {
    for (const connection of this.#all) connection[Symbol.dispose]();
    this.#idle = [];
  }

  #free(connection: KeptConnection, ca: string | null): void {
    if (ca === this.#ca) this.#idle.push(connection);
    else connection[Symbol.dispose]();
  }

  #gone(connection: KeptConnection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Connections that former authorities verified are not used again. */
  #followAuthorities(): void {
    const ca = this.#receiver.ca();
    if (ca === this.#ca) return;
    this.#ca = ca;
    this.#session = undefined;
    for (const connection of this.#idle.splice(0)) connection[Symbol.dispose]();
  }
}

const HEADER_VALUE = /^[\t\x20-\x7e]*$/;

/** What makes requests to this URL. It throws for a header that no request may have. */
function requestTo(url: URL): (headers: Sending['headers'], body: Buffer) => Request {
  const { auth } = urlToHttpOptions(url);
  const authorization = auth ? `authorization: Basic ${Buffer.from(auth).toString('base64')}\r\n` : '';
  const start = `POST ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: keep-alive\r\n${authorization}`;
  return (headers, body) => {
    let head = start;
    for (const name in headers) {
      const value = headers[name] ?? '';
      if (!HEADER_VALUE.test(value)) throw new TypeError(`the header ${name} has a character that no header may have`);
      head += `${name}: ${value}\r\n`;
    }
    return { head: `${head}content-length: ${body.length}\r\n\r\n`, body };
  };
}
