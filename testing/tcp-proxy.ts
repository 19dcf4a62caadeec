import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * Between a client and a server: forwards, until it is told to be the network at its worst. A black hole takes bytes
 * and lets none through, without closing anything: a half-open connection to either side.
 */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Cuts a connection as soon as the server answers on it, so that only the reply is lost; once. */
  cutNextReply(): void;
  /** How often `cutNextReply` came true. */
  cuts(): number;
  /** Cuts every connection; new ones are taken. */
  cutAll(): void;
  /** What a server says reaches the client this much later; 0 is at once. */
  delayReplies(ms: number): void;
  /** From now on nothing gets through on any connection, old or new, until it is false again for new ones. */
  blackHole(on: boolean): void;
  /**
   * Keeps back the next piece of a client in which this text is, and what follows on that connection, until it is released: then
   * the server gets all of it, although its client may be gone.
   */
  hold(text: RegExp): Held;
}

interface Held {
  /** Whether something is kept back. */
  readonly isHolding: boolean;
  release(): void;
}

/** What is kept back of one connection. */
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

  /** Whether this piece is kept back. */
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

export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let [armed, cuts, delayMs, isHole] = [false, 0, 0, false];
  let holding: Holding | null = null;
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let isLost = isHole;
    const swallows = () => (isLost ||= isHole);
    client.on('data', (chunk) => {
      if (!swallows() && holding?.takes(chunk, client, upstream) !== true) upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (swallows()) return;
      if (armed) {
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
