import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import type { Arrival } from '../oracle/account.ts';
import { accountOf, nameOf } from './producer.ts';
import type { Replica } from './replica.ts';
import { PASSWORD } from './setup.ts';

/** More than eight members: all but three are optional parameters of a login or of a request. */
export interface ConsumerOptions {
  readonly name: string;
  readonly replicas: readonly Pick<Replica, 'host' | 'isUp'>[];
  /** Login: the account is the domain. */
  readonly account: string;
  readonly accounts?: readonly string[];
  readonly events?: readonly string[];
  /** Replaces its own first login. */
  readonly token?: string;
  /** Uses the control contract; else the plain one, with `meta=1`. */
  readonly control?: boolean;
  readonly onGap?: 'fail' | 'clamp';
  /** Further query parameters, such as a group. */
  readonly query?: Readonly<Record<string, string>>;
  /** Called for each connection, for callers that need the connection of an event. */
  readonly onConnection?: (connection: Connection) => Listener;
}

export interface Connection {
  /** The replica that it leads to, `host:port`. */
  readonly host: string;
  send(frame: object): void;
}

export interface Listener {
  event(arrival: Arrival & { readonly attempt: number; readonly cursor: string }): void;
  /** A control frame. */
  frame(frame: { readonly type: string; readonly code?: string }): void;
  /** Called once, and nothing after it. 1006 for a crash of the gateway, as for any cut. */
  ended(code: number): void;
}

/** `status` is that of a refusal, null when the connection opened. */
export interface Answer {
  readonly status: number | null;
  readonly gaps: readonly string[];
  readonly arrivals: readonly Arrival[];
}

const LOOK_MS = 1_500;
const CRASH_WITHIN = 60;

/** Accounts that a login at `account` may see, itself included: the tree of setup.ts, without its moves. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  root: ['root', 'north', 'south', 'north-1'],
  north: ['north', 'north-1'],
  south: ['south'],
  'north-1': ['north-1'],
};

/**
 * A consumer as in docs/never-lose-an-event.md: keeps the last cursor, reconnects to any replica, and trusts the
 * reported gaps. It also keeps all received events, for the ledger.
 */
export class Consumer {
  readonly name: string;
  readonly arrivals: Arrival[] = [];
  /** Losses that were reported to it: gap frames, refusals with 410, closes with 4410. */
  readonly told: string[] = [];
  readonly closes: { readonly code: number; readonly at: number }[] = [];
  readonly #options: ConsumerOptions;
  #socket: WebSocket | null = null;
  #listener: Listener | null = null;
  #cursor = '';
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  #crashAfter: number | null = null;
  #turn: number;
  connected = 0;

  constructor(options: ConsumerOptions, turn = 0) {
    this.name = options.name;
    this.#options = options;
    this.#turn = turn;
  }

  get cursor(): string {
    return this.#cursor;
  }

  isOwed(call: number, n: number): boolean {
    const { account, accounts, events } = this.#options;
    const of = accountOf(call);
    if (!(accounts ?? BELOW[account] ?? []).includes(of)) return false;
    return events === undefined || events.includes(nameOf(n));
  }

  /** Connected for the first time: everything from now on is owed. */
  async start(): Promise<void> {
    const first = Promise.withResolvers<void>();
    this.#running = this.#run(first.resolve);
    await Promise.race([
      first.promise,
      this.#running.then(() => Promise.reject(new Error(`${this.name} could not connect`))),
    ]);
  }

  /** Cuts the connection as a network would. */
  cut(): void {
    this.#end(1006);
    this.#socket?.terminate();
  }

  /** Dies after a few more events, whatever else has arrived by then: in the middle of a round, like a crash. */
  crash(): void {
    this.#crashAfter = Math.floor(Math.random() * CRASH_WITHIN);
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  #sendOn(socket: WebSocket, frame: object): void {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  }

  #end(code: number): void {
    this.#listener?.ended(code);
    this.#listener = null;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.cut();
    await this.#running;
  }

  async login(host: string): Promise<string> {
    const { account, accounts, events } = this.#options;
    const body = JSON.stringify({ username: 'admin', password: PASSWORD, domain: account, accounts, events });
    const answer = await fetch(`http://${host}${LOGIN_PATH}`, {
      method: 'POST',
      body,
      signal: AbortSignal.timeout(10_000),
    });
    return ((await answer.json()) as { access_token?: string }).access_token ?? '';
  }

  /** Opens a second connection with these parameters, and watches for a moment what arrives. */
  async ask(host: string, query: Readonly<Record<string, string>>): Promise<Answer> {
    const other = new Consumer({ ...this.#options, query: { ...this.#options.query, ...query } });
    const ended = other.#connect(host, await other.login(host), () => undefined);
    const end = await Promise.race([ended, delay(LOOK_MS).then(() => null)]);
    other.cut();
    await ended;
    return { status: end?.status ?? null, gaps: other.told, arrivals: other.arrivals };
  }

  async #run(onFirst: () => void): Promise<void> {
    let token = this.#options.token ?? '';
    while (!this.#stopped) {
      const up = this.#options.replicas.filter((replica) => replica.isUp);
      const host = up[this.#turn++ % Math.max(1, up.length)]?.host ?? null;
      if (host === null) {
        await delay(50);
        continue;
      }
      try {
        if (token === '') token = await this.login(host);
        const end = await this.#connect(host, token, onFirst);
        if (end.code === 4401 || end.status === 401) token = '';
        if (end.status === 410 || end.code === 4410) {
          this.told.push(`${end.status ?? end.code}`);
          this.#cursor = '';
        }
        if (end.code >= 4500) return;
        // Only a refused consumer waits: one that was cut off reconnects at once.
        if (end.status !== null || end.code === 0) await delay(100);
      } catch {
        // Expected while a fault is active: the replica is down or ends. Missing events are faults of the ledger.
        await delay(50);
      }
    }
  }

  #connect(host: string, token: string, onOpen: () => void): Promise<{ code: number; status: number | null }> {
    const { control, onGap, query } = this.#options;
    const parameters = new URLSearchParams({
      token,
      ...(control === true ? { v: '1' } : { meta: '1' }),
      ...(onGap !== undefined && { on_gap: onGap }),
      ...(this.#cursor !== '' && query?.['group'] === undefined && { cursor: this.#cursor }),
      ...query,
    });
    const socket = new WebSocket(`ws://${host}${STREAM_PATH}?${parameters.toString()}`, { perMessageDeflate: false });
    this.#socket = socket;
    return new Promise((resolve) => {
      let status: number | null = null;
      socket.on('open', () => {
        this.connected += 1;
        this.#listener = this.#options.onConnection?.({ host, send: (frame) => this.#sendOn(socket, frame) }) ?? null;
        onOpen();
      });
      socket.on('message', (data) => this.#received(socket, (data as Buffer).toString()));
      socket.on('unexpected-response', (_request, response) => {
        status = response.statusCode ?? 0;
        response.resume();
        socket.terminate();
      });
      // `close` follows each error, and is counted.
      socket.on('error', () => undefined);
      socket.on('close', (code) => {
        if (this.#socket === socket) this.#end(code);
        if (status === null) this.closes.push({ code, at: performance.now() });
        resolve({ code: status === null ? code : 0, status });
      });
    });
  }

  #received(socket: WebSocket, text: string): void {
    if (socket !== this.#socket || socket.readyState !== WebSocket.OPEN) return;
    if (this.#crashAfter !== null && this.#crashAfter-- === 0) {
      this.#crashAfter = null;
      return this.cut();
    }
    this.#take(text);
  }

  #take(text: string): void {
    const { _firehose, ...event } = JSON.parse(text) as {
      _firehose: { type?: string; reason?: string; code?: string; cursor?: string; id?: string; attempt?: number };
      call?: number;
      n?: number;
    };
    const { type, reason, code, cursor = '', id = '', attempt = 1 } = _firehose;
    if (type === 'gap') this.told.push(reason ?? 'gap');
    if (event.call !== undefined && event.n !== undefined) {
      const arrival = { call: event.call, n: event.n, id };
      if (this.#listener === null) this.arrivals.push(arrival);
      else this.#listener.event({ ...arrival, attempt, cursor });
    }
    if (type !== undefined) this.#listener?.frame({ type, ...(code !== undefined && { code }) });
    if (cursor !== '') this.#cursor = cursor;
  }
}
