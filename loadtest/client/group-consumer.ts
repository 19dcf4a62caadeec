import { WebSocket } from 'k6/websockets';
import { STREAM_PATH } from '../../protocol/paths.ts';
import * as metrics from '../report/metrics.ts';
import { deedOf, type GroupLedger } from '../oracle/group-attempts.ts';
import { messagesToLive } from '../traffic/lifetime.ts';
import { decodeNumbering, type Numbering } from '../traffic/numbering.ts';
import { askForAll } from './ask-why.ts';
import { pause } from './login.ts';

/** More than eight members: the parameters of the run, and those of this one connection. */
export interface GroupConsumerOptions {
  readonly url: string;
  readonly token: string;
  readonly group: string;
  readonly run: string;
  /** Shared by all connections of the group. */
  readonly ledger: GroupLedger;
  readonly maxDeliver: number;
  /** Counts the consumers of a run from 0. */
  readonly index: number;
  /** Messages after which one dies, on average. */
  readonly dieAfter: number;
  /** This connection was refused for a reason that ends the test. */
  readonly onRefused: () => void;
}

const FAULTS = { repeated: metrics.repeated, doubled: metrics.doubled, inverted: metrics.inverted };
const NACK_DELAY_MS = 50;
const BACK_MS = 100;
/** How long acknowledgements may have been pending when a connection died. */
const UNSURE_MS = 2_000;

/**
 * One connection of a durable group: acknowledges, refuses, gives up and dies according to the events and its index.
 */
export class GroupConsumer {
  readonly #options: GroupConsumerOptions;
  #socket: WebSocket | null = null;
  #isDone = false;
  #lives = 0;
  #left: number;
  /** `call:n` of the events that this connection finished, and when. */
  #settled: { readonly key: string; readonly at: number }[] = [];

  constructor(options: GroupConsumerOptions) {
    this.#options = options;
    this.#left = this.#someMessages();
  }

  /** Connects again and again, until it is stopped. */
  async run(): Promise<void> {
    while (!this.#isDone) {
      await this.#connect();
      if (!this.#isDone) await pause(BACK_MS);
    }
  }

  stop(): void {
    this.#isDone = true;
    this.#socket?.close();
  }

  async #connect(): Promise<void> {
    const { url, token, group, onRefused } = this.#options;
    const begun = Date.now();
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${STREAM_PATH}?v=1&group=${group}`, null, {
      headers: { Authorization: `Bearer ${token}` },
      tags: { name: 'stream' },
    });
    this.#socket = socket;
    this.#settled = [];
    let isOpen = false;
    const code = await new Promise<number>((resolve) => {
      socket.onopen = () => {
        isOpen = true;
        metrics.handshake.add(Date.now() - begun);
      };
      socket.onmessage = (message) => {
        if (socket === this.#socket && typeof message?.data === 'string') this.#took(socket, message.data);
      };
      socket.onerror = () => undefined;
      socket.addEventListener('close', (event) => resolve((event as unknown as { code?: number }).code ?? 1006));
    });
    if (isOpen && socket === this.#socket && !this.#isDone) {
      metrics.unexpectedCloses.add(1, { code: String(code) });
    }
    if (isOpen || this.#isDone) return;
    const { status, code: why, retryAfter } = await askForAll(url);
    metrics.handshakesRefused.add(1, { status: String(status), code: why });
    // The service is available: the fault is in the group, its grant or the token.
    if (status === 401) onRefused();
    await pause((retryAfter ?? 0) * 1_000);
  }

  #took(socket: WebSocket, text: string): void {
    const { _firehose: meta } = JSON.parse(text) as {
      _firehose: { id?: string; type?: string; attempt?: number; code?: string; reason?: string };
    };
    if (meta.type === 'gap') metrics.gaps.add(1, { reason: meta.reason ?? '' });
    if (meta.type === 'error') metrics.acksRefused.add(1, { code: meta.code ?? '' });
    if (meta.id === undefined) return;
    const numbering = decodeNumbering(text);
    // Events of an earlier run in the group.
    if (numbering === null || numbering.run !== this.#options.run)
      return socket.send(JSON.stringify({ ack: [meta.id] }));
    const attempt = meta.attempt ?? 1;
    this.#account(numbering, attempt);
    if (attempt === 1 && this.#left-- <= 0) return this.#die(socket);
    this.#act(socket, { id: meta.id, numbering, attempt });
  }

  #account(numbering: Numbering, attempt: number): void {
    metrics.received.add(1);
    const verdict = this.#options.ledger.take({ ...numbering, attempt });
    if (verdict === 'next') metrics.latency.add(Date.now() - numbering.sentAt, { phase: numbering.phase });
    else if (verdict === 'again') metrics.redelivered.add(1);
    else FAULTS[verdict].add(1);
  }

  #act(socket: WebSocket, event: { id: string; numbering: Numbering; attempt: number }): void {
    const { id, numbering, attempt } = event;
    const deed = deedOf(numbering.call, numbering.n);
    if (deed === 'nack_once' && attempt === 1)
      return socket.send(JSON.stringify({ nack: id, delay_ms: NACK_DELAY_MS }));
    if (deed === 'nack_always') {
      socket.send(JSON.stringify({ nack: id, delay_ms: 0 }));
      if (attempt < this.#options.maxDeliver) return;
    } else if (deed === 'term') socket.send(JSON.stringify({ term: id, reason: 'load test' }));
    else socket.send(JSON.stringify({ ack: [id] }));
    this.#options.ledger.settle(numbering);
    this.#settled.push({ key: `${numbering.call}:${numbering.n}`, at: Date.now() });
  }

  /** Without an acknowledgement of its last events. */
  #die(socket: WebSocket): void {
    this.#left = this.#someMessages();
    this.#socket = null;
    metrics.reconnects.add(1);
    const since = Date.now() - UNSURE_MS;
    this.#options.ledger.died(this.#settled.filter(({ at }) => at >= since).map(({ key }) => key));
    socket.close();
  }

  #someMessages(): number {
    const { index, dieAfter } = this.#options;
    return messagesToLive(index + this.#lives++, dieAfter);
  }
}
