import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { accountOf } from '../faults/producer.ts';
import { Oracle } from '../oracle/oracle.ts';

/** The address for clients, and its certificate authority. */
export interface Entrance {
  /** `acme.voice.svc:9443`. */
  readonly host: string;
  /** PEM. */
  readonly ca: string;
}

const LIMIT_MS = 20_000;

export async function login(entrance: Entrance, body: object): Promise<string> {
  const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
    const options = { method: 'POST', ca: entrance.ca, signal: AbortSignal.timeout(LIMIT_MS) };
    const call = request(`https://${entrance.host}${LOGIN_PATH}`, options, (response) => {
      text(response).then((content) => resolve({ status: response.statusCode ?? 0, body: content }), reject);
    });
    call.once('error', reject);
    call.end(JSON.stringify(body));
  });
  const { access_token: token } = JSON.parse(answer.body) as { access_token?: string };
  if (token === undefined) throw new Error(`login: ${answer.status} ${answer.body}`);
  return token;
}

/** A consumer as in docs/never-lose-an-event.md: it keeps the last cursor and reconnects with jitter and back-off. */
export class Client {
  readonly oracle: Oracle;
  /** When, and with which code, an open connection ended. */
  readonly ends: { readonly code: number; readonly at: number }[] = [];
  /** Refusals and faults of the connection attempts. */
  readonly failures: string[] = [];
  /** Losses that were reported to it. */
  readonly told: string[] = [];
  readonly #entrance: Entrance;
  readonly #token: string;
  #socket: WebSocket | null = null;
  #timer: NodeJS.Timeout | undefined;
  #cursor = '';
  #stopped = false;
  #inARow = 0;

  /** The token is only for `account`. */
  constructor(entrance: Entrance, token: string, account: string) {
    this.#entrance = entrance;
    this.#token = token;
    this.oracle = new Oracle({ owes: (call) => accountOf(call) === account });
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  connect(): void {
    const query = new URLSearchParams({ v: '1', ...(this.#cursor !== '' && { cursor: this.#cursor }) });
    const { host, ca } = this.#entrance;
    const socket = new WebSocket(`wss://${host}${STREAM_PATH}?${query.toString()}`, {
      ca,
      perMessageDeflate: false,
      handshakeTimeout: LIMIT_MS,
      headers: { Authorization: `Bearer ${this.#token}` },
    });
    this.#socket = socket;
    let wasOpen = false;
    socket.once('open', () => {
      wasOpen = true;
      this.#inARow = 0;
    });
    socket.on('message', (data) => this.#received((data as Buffer).toString()));
    socket.once('unexpected-response', (_request, response) => {
      this.failures.push(`${response.statusCode ?? 0}`);
      response.resume();
      socket.terminate();
    });
    socket.on('error', (error) => {
      if (!wasOpen) this.failures.push((error as NodeJS.ErrnoException).code ?? error.message);
    });
    socket.once('close', (code) => {
      if (this.#stopped) return;
      if (wasOpen) this.ends.push({ code, at: performance.now() });
      const pauseMs = Math.random() * Math.min(30_000, 100 * 2 ** this.#inARow++);
      this.#timer = setTimeout(() => this.connect(), pauseMs);
    });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket?.terminate();
  }

  #received(message: string): void {
    const { _firehose, call, n } = JSON.parse(message) as {
      _firehose: { type?: string; reason?: string; cursor?: string };
      call?: number;
      n?: number;
    };
    if (_firehose.type === 'gap') this.told.push(_firehose.reason ?? 'gap');
    if (call !== undefined && n !== undefined) this.oracle.take(call, n);
    if (_firehose.cursor !== undefined) this.#cursor = _firehose.cursor;
  }
}
