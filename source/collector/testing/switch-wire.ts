import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { ListedLeg, SwitchEvent } from '../../mapper.ts';
import {
  SwitchFault,
  type Switch,
  type SwitchConnection,
  type SwitchListener,
  type SwitchReason,
} from '../../switch.ts';

/**
 * A switch for tests with replicas in processes of their own: JSON lines over loopback. A client sends a line to
 * request the listing; all earlier messages precede the answer.
 */
type Line =
  | { readonly kind: 'hello'; readonly instance: string }
  | { readonly kind: 'event'; readonly event: SwitchEvent }
  | { readonly kind: 'listing'; readonly legs: readonly ListedLeg[] }
  | { readonly kind: 'alive' };

const ALIVE_EVERY_MS = 100;

export interface WireSwitch extends AsyncDisposable {
  readonly port: number;
  say(events: readonly SwitchEvent[]): void;
}

export async function startWireSwitch(
  listing: (said: readonly SwitchEvent[]) => readonly ListedLeg[],
): Promise<WireSwitch> {
  const sockets = new Set<Socket>();
  const said: SwitchEvent[] = [];
  const send = (socket: Socket, line: Line) => socket.write(`${JSON.stringify(line)}\n`);
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    // A killed replica resets its connection.
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', () => send(socket, { kind: 'listing', legs: listing(said) }));
    send(socket, { kind: 'hello', instance: 'one' });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const timer = setInterval(() => {
    for (const socket of sockets) send(socket, { kind: 'alive' });
  }, ALIVE_EVERY_MS);
  return {
    port: (server.address() as { port: number }).port,
    say(events) {
      for (const event of events) {
        said.push(event);
        for (const socket of sockets) send(socket, { kind: 'event', event });
      }
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The switch at that port, for a collector. */
export function wireSwitch(port: number, now: () => number = Date.now): Switch {
  return {
    async open(listener, signal) {
      const socket = connect({ port, host: '127.0.0.1', signal });
      const connection = new WireConnection(socket, listener, now);
      await connection.opened;
      return connection;
    },
  };
}

class WireConnection implements SwitchConnection {
  readonly version = '1.11';
  readonly degraded = null;
  readonly opened: Promise<void>;
  readonly lost: Promise<SwitchReason>;
  instance = '';
  since = 0;
  heardAt = 0;
  readonly #socket: Socket;
  #listed: (legs: readonly ListedLeg[]) => void = () => undefined;

  constructor(socket: Socket, listener: SwitchListener, now: () => number) {
    this.#socket = socket;
    const opened = Promise.withResolvers<void>();
    this.opened = opened.promise;
    this.lost = new Promise((resolve) => socket.once('close', () => resolve('Unreachable')));
    socket.on('error', () => undefined);
    void this.lost.then((reason) => opened.reject(new SwitchFault(reason, 'no connection to the switch of the test')));
    createInterface({ input: socket }).on('line', (text) => {
      const line = JSON.parse(text) as Line;
      this.heardAt = now();
      if (line.kind === 'event') listener.event(line.event);
      if (line.kind === 'listing') this.#listed(line.legs);
      if (line.kind !== 'hello') return;
      this.instance = line.instance;
      this.since = now();
      opened.resolve();
    });
  }

  listing(): Promise<readonly ListedLeg[]> {
    return new Promise((resolve) => {
      this.#listed = resolve;
      this.#socket.write('list\n');
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    return Promise.resolve();
  }
}
