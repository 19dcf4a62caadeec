import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * A proxy between a client and a server: forwards until a test disturbs it. A black hole accepts bytes and forwards
 * none, without closing: a half-open connection for either side.
 */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Cuts a connection as soon as the server answers on it, so that only the reply is lost; once. */
  cutNextReply(): void;
  /** How often `cutNextReply` took effect. */
  cuts(): number;
  /** Cuts every connection; new ones are accepted. */
  cutAll(): void;
  /** While true, what the server says is lost, and what clients say is forwarded. False cuts the connections that lost something. */
  loseReplies(on: boolean): void;
  /** Delay of the server's data to the client; 0 is none. */
  delayReplies(ms: number): void;
  /** While true, nothing gets through on any connection, old or new; false applies to new ones. */
  blackHole(on: boolean): void;
  /**
   * Holds the next piece of a client that contains this text, and later data of that connection, until it is released:
   * then the server gets all of it, although its client may be gone.
   */
  hold(text: RegExp): Held;
}

interface Held {
  /** Whether something is held. */
  readonly isHolding: boolean;
  release(): void;
}

/** Held data of one connection. */
class Holding implements Held {
  readonly #text: RegExp;
  readonly #kept: Buffer[] = [];
  #connection: { readonly client: Socket; readonly upstream: Socket } | null = null;
  #isOver = false;

  constructor(text: RegExp) {
    this.#text = text;
  }

  get isHolding(): boolean {
    return this.#connection !== null && !this.#isOver;
  }

  isOf(client: Socket): boolean {
    return this.isHolding && this.#connection?.client === client;
  }

  /** Whether this piece is held. */
  takes(chunk: Buffer, client: Socket, upstream: Socket): boolean {
    if (this.#isOver) return false;
    if (this.#connection === null && this.#text.test(chunk.toString('latin1'))) this.#connection = { client, upstream };
    if (!this.isOf(client)) return false;
    this.#kept.push(chunk);
    return true;
  }

  release(): void {
    this.#isOver = true;
    if (this.#connection === null) return;
    const { client, upstream } = this.#connection;
    upstream.write(Buffer.concat(this.#kept));
    if (client.destroyed) upstream.end();
  }
}

/** `port` may be another one for each connection. */
export async function startTcpProxy(port: number | (() => number)): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let [armed, cuts, delayMs, isHole, losesReplies] = [false, 0, 0, false, false];
  const deaf = new Set<Socket>();
  let holding: Holding | null = null;
  const server = createServer((client) => {
    const upstream = connect(typeof port === 'number' ? port : port(), '127.0.0.1');
    let isLost = isHole;
    const swallows = () => (isLost ||= isHole);
    client.on('data', (chunk) => {
      if (!swallows() && holding?.takes(chunk, client, upstream) !== true) upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (swallows()) return;
      if (losesReplies) deaf.add(client);
      else if (armed) {
        armed = false;
        cuts += 1;
        client.destroy();
      } else if (delayMs > 0) setTimeout(() => !client.destroyed && client.write(chunk), delayMs);
      else client.write(chunk);
    });
    upstream.on('close', () => swallows() || client.destroy());
    client.on('close', () => holding?.isOf(client) === true || upstream.destroy());
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = (server.address() as AddressInfo).port;
  const cutAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: own,
    url: `redis://127.0.0.1:${own}`,
    cutNextReply: () => void (armed = true),
    cuts: () => cuts,
    cutAll,
    loseReplies(on) {
      losesReplies = on;
      if (on) return;
      for (const client of deaf) client.destroy();
      deaf.clear();
    },
    delayReplies: (ms) => void (delayMs = ms),
    blackHole: (on) => void (isHole = on),
    hold: (text) => (holding = new Holding(text)),
    async [Symbol.asyncDispose]() {
      cutAll();
      server.close();
      await once(server, 'close');
    },
  };
}
