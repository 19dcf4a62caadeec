import { Agent, request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { INGEST_PATH, LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import type { Victim } from './attacks.ts';
import type { Target } from './target.ts';
import type { LoginTry, Window } from './verdict.ts';

const USER = { username: 'admin', password: 'adminpassword', domain: 'admin' };
const EVENT_EVERY_MS = 5;
/** The account of the attacker's user has traffic of its own, which an attacker can leave unread. */
const THEIRS_EVERY = 5;
const THEIRS_BYTES = 16_000;
const LOGIN_EVERY_MS = 500;
/** An event that has not arrived after this time counts as missing. */
const ARRIVAL_LIMIT_MS = 10_000;
const ANSWER_LIMIT_MS = 15_000;

/** The well-behaved client: one stream of account_id_2, one producer, one login twice a second. */
export class Neighbour implements AsyncDisposable {
  readonly #target: Target;
  readonly #socket: WebSocket;
  readonly #producer = new Agent({ keepAlive: true, maxSockets: 4 });
  readonly #sentAt = new Map<string, number>();
  #latencies: number[] = [];
  #number = 0;

  private constructor(target: Target, socket: WebSocket) {
    this.#target = target;
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#received(data));
  }

  static async open(target: Target): Promise<Neighbour> {
    const { token } = await logIn(target, { ...USER, accounts: ['account_id_2'] });
    const url = `wss://127.0.0.1:${target.port}${STREAM_PATH}?token=${token}`;
    const socket = new WebSocket(url, { ca: target.ca, handshakeTimeout: ANSWER_LIMIT_MS });
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return new Neighbour(target, socket);
  }

  /** Streams and logs in for `ms` milliseconds. Rejects when the stream ends in the meantime. */
  async observe(ms: number): Promise<Window> {
    this.#latencies = [];
    this.#sentAt.clear();
    const end = performance.now() + ms;
    const logins: LoginTry[] = [];
    const working = [this.#produce(end), this.#keepLoggingIn(end, logins)];
    await Promise.all(working);
    const limit = performance.now() + ARRIVAL_LIMIT_MS;
    while (this.#sentAt.size > 0 && performance.now() < limit) await delay(20);
    if (this.#socket.readyState !== WebSocket.OPEN) throw new Error('the stream of the well-behaved client has ended');
    return { latencies: this.#latencies, logins, missing: this.#sentAt.size };
  }

  async #produce(end: number): Promise<void> {
    const sending: Promise<void>[] = [];
    while (performance.now() < end) {
      sending.push(this.#send());
      if (this.#number % THEIRS_EVERY === 0) sending.push(this.#sendTheirs());
      await delay(EVENT_EVERY_MS);
    }
    await Promise.all(sending);
  }

  async #send(): Promise<void> {
    this.#number += 1;
    const call = `hostile-${this.#number}`;
    this.#sentAt.set(call, performance.now());
    await this.#ingest({ 'Call-ID': call, 'Account-ID': 'account_id_2' });
  }

  async #sendTheirs(): Promise<void> {
    const filler = 'x'.repeat(THEIRS_BYTES);
    await this.#ingest({ 'Call-ID': `theirs-${this.#number}`, 'Account-ID': 'account_id_1', filler });
  }

  async #ingest(event: object): Promise<void> {
    const body = JSON.stringify({ 'Event-Name': 'CHANNEL_CREATE', ...event });
    const status = await post(
      plainRequest({
        agent: this.#producer,
        host: '127.0.0.1',
        port: this.#target.innerPort,
        path: INGEST_PATH,
        method: 'POST',
        headers: { authorization: `Bearer ${this.#target.ingestToken}`, 'content-type': 'application/json' },
      }),
      body,
    ).then((answer) => answer.status);
    if (status !== 200) throw new Error(`ingest answered ${status}`);
  }

  async #keepLoggingIn(end: number, logins: LoginTry[]): Promise<void> {
    while (performance.now() < end) {
      const startedAt = performance.now();
      const { status } = await logIn(this.#target, USER);
      logins.push({ status, ms: performance.now() - startedAt });
      await delay(LOGIN_EVERY_MS);
    }
  }

  #received(data: Buffer): void {
    const { 'Call-ID': call = '' } = JSON.parse(data.toString('utf8')) as { 'Call-ID'?: string };
    const sentAt = this.#sentAt.get(call);
    if (sentAt === undefined) return;
    this.#sentAt.delete(call);
    this.#latencies.push(performance.now() - sentAt);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    this.#producer.destroy();
  }
}

/** `localAddress` is the loopback address of the login's connection. Status 0 is a connection without an answer. */
export async function logIn(
  { port, ca }: Victim,
  body: object,
  localAddress = '127.0.0.1',
): Promise<{ readonly status: number; readonly token: string }> {
  const options = {
    host: '127.0.0.1',
    port,
    ca,
    localAddress,
    path: LOGIN_PATH,
    method: 'POST',
    agent: false,
  } as const;
  const answer = await post(request(options), JSON.stringify(body));
  const token = /"access_token":"([^"]+)"/.exec(answer.body)?.[1] ?? '';
  return { status: answer.status, token };
}

function post(sending: ReturnType<typeof request>, body: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve) => {
    sending.setTimeout(ANSWER_LIMIT_MS, () => sending.destroy());
    sending.on('error', () => resolve({ status: 0, body: '' }));
    sending.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', () => resolve({ status: 0, body: '' }));
      response.on('close', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    sending.end(body);
  });
}
