import { setInterval, clearInterval } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import { STREAM_PATH } from '../../protocol/paths.ts';
import * as metrics from '../report/metrics.ts';
import type { Ledger } from '../traffic/ledger.ts';
import { decodeNumbering, END_PHASE, type Numbering } from '../traffic/numbering.ts';
import { askWhy } from './ask-why.ts';
import { pause } from './login.ts';

/** More than eight members: four are optional, for single scripts. */
export interface ConsumerOptions {
  readonly url: string;
  /** Name of the run whose events are accounted for. */
  readonly run: string;
  readonly ledger: Ledger;
  /** Returns a token; a new one when the last one is no longer accepted. */
  readonly token: (isSpent: boolean) => Promise<string>;
  /** Unix milliseconds: an event that has not arrived by then is lost. */
  readonly deadline: number;
  /** One event in this many is timed. */
  readonly timeEvery?: number;
  /** Tags of this consumer's handshakes, read at each. */
  readonly handshakeTags?: () => Record<string, string>;
  readonly onEvent?: (numbering: Numbering, latencyMs: number) => void;
  /** The connection is open, after `hello`. */
  readonly onReady?: () => void;
  /** Joins with the live calls, and gets them again after every loss. */
  readonly joinsWithCalls?: boolean;
  /** Called with each frame of the gateway except events. */
  readonly onFrame?: (frame: Frame) => void;
  /** It has finished its accounting. */
  readonly onDone?: () => void;
}

/** A frame of the control contract, as far as a load test reads it. */
export interface Frame {
  readonly type: string;
  /** In `gap` and in `snapshot_begin`. */
  readonly reason?: string;
  /** In `call`. */
  readonly call?: { readonly call_id: string; readonly state: string };
}

const TELL_MS = 1_000;
const RETRY_MS = 500;
const KEEPS_PLACE: ReadonlySet<string> = new Set(['hello', 'watermark', 'snapshot_end']);
const TOKEN_EXPIRED = 4401;
const FIRST_FINAL_CODE = 4500;

/** How a connection ended: `refused` when it never opened. */
type End = { readonly kind: 'refused' } | { readonly kind: 'closed'; readonly code: number };

/** One consumer: connects, accounts for each event, and resumes by its cursor until everything has arrived. */
export class Consumer {
  /** Called after each event. */
  onMessage: () => void = () => undefined;
  readonly #options: ConsumerOptions;
  #socket: WebSocket | null = null;
  /** The newest message with a cursor, parsed only when needed. */
  #newest = '';
  #isDone = false;
  #isCut = false;
  #backMs = 0;
  #count = { received: 0, doubled: 0, inverted: 0, foreign: 0, repeated: 0 };
  #seen = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  /** Ends when the ledger is complete, or at the deadline; missing events are then lost. */
  async run(): Promise<void> {
    const { ledger, deadline } = this.#options;
    metrics.books.add(false);
    const timer = setInterval(() => {
      this.#tell();
      if (Date.now() > deadline) this.stop();
    }, TELL_MS);
    try {
      await this.#stayConnected();
    } finally {
      clearInterval(timer);
    }
    this.#tell();
    metrics.lost.add(ledger.lost);
    metrics.books.add(true);
    this.#options.onDone?.();
  }

  /** Drops the connection as a network would; it reconnects at once, or after `backMs`. */
  cut(backMs = 0): void {
    if (this.#socket === null || this.#isDone) return;
    const socket = this.#socket;
    this.#isCut = true;
    this.#backMs = backMs;
    // Later messages on it are ignored: they must arrive again after the resume.
    this.#socket = null;
    socket.close();
  }

  /** Drops the connection and its state: it returns as a new client. */
  forget(backMs = 0): void {
    this.#newest = '';
    this.#options.ledger.rejoined();
    this.cut(backMs);
  }

  send(frame: object): void {
    if (this.isConnected) this.#socket?.send(JSON.stringify(frame));
  }

  get isConnected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  stop(): void {
    this.#isDone = true;
    this.#socket?.close();
  }

  async #stayConnected(): Promise<void> {
    let isSpent = false;
    while (!this.#isDone) {
      const token = await this.#options.token(isSpent);
      const end = await this.#connect(token);
      if (this.#isDone) return;
      this.#options.ledger.resumed();
      isSpent = false;
      if (this.#isCut) {
        this.#isCut = false;
        metrics.reconnects.add(1);
        await pause(this.#backMs);
      } else if (end.kind === 'refused') {
        const status = await this.#refused(token);
        isSpent = status === 401;
      } else if (end.code === TOKEN_EXPIRED) {
        isSpent = true;
      } else {
        metrics.unexpectedCloses.add(1, { code: String(end.code) });
        if (end.code >= FIRST_FINAL_CODE) this.#isDone = true;
        await pause(RETRY_MS);
      }
    }
  }

  /** Counts a refusal, and waits as long as requested. Returns its status. */
  async #refused(token: string): Promise<number> {
    const { status, retryAfter, code } = await askWhy({ url: this.#options.url, token, cursor: this.#cursor });
    // For a client that was not connected, an expired token shows as an expiry.
    if (status === 401) return status;
    metrics.handshakesRefused.add(1, { status: String(status), code });
    if (status >= 500 && retryAfter === null) metrics.withoutRetryAfter.add(1);
    if (status === 410) this.#newest = '';
    await pause(retryAfter === null ? RETRY_MS : retryAfter * 1_000);
    return status;
  }

  get #cursor(): string {
    const at = this.#newest.lastIndexOf('"cursor":"');
    return at < 0 ? '' : this.#newest.slice(at + 10, this.#newest.indexOf('"', at + 10));
  }

  #connect(token: string): Promise<End> {
    const cursor = this.#cursor;
    const contract = this.#options.joinsWithCalls === true ? '?v=1&snapshot=calls' : '?v=1';
    const query = cursor === '' ? contract : `${contract}&cursor=${cursor}`;
    const url = `${this.#options.url.replace(/^http/, 'ws')}${STREAM_PATH}${query}`;
    const begun = Date.now();
    const socket = new WebSocket(url, null, { headers: authorization(token), tags: { name: 'stream' } });
    this.#socket = socket;
    return new Promise((resolve) => {
      let isOpen = false;
      socket.onopen = () => {
        isOpen = true;
        metrics.handshake.add(Date.now() - begun, this.#options.handshakeTags?.() ?? {});
      };
      socket.onmessage = (message) => {
        if (socket === this.#socket && typeof message?.data === 'string') this.#took(message.data);
      };
      socket.addEventListener('close', (event) => {
        const { code = 1006 } = event as unknown as { code?: number };
        resolve(isOpen ? { kind: 'closed', code } : { kind: 'refused' });
      });
      // The close event follows with all details; without a listener the runner would log an error.
      socket.onerror = () => undefined;
    });
  }

  #took(text: string): void {
    if (text.startsWith('{"_firehose":')) return this.#told(text);
    this.#newest = text;
    const numbering = decodeNumbering(text);
    if (numbering === null || numbering.run !== this.#options.run) return;
    this.#count.received += 1;
    const verdict = this.#options.ledger.take(numbering);
    if (verdict !== 'next') this.#count[verdict] += 1;
    const late = Date.now() - numbering.sentAt;
    const isTimed = verdict === 'next' && numbering.phase !== END_PHASE;
    if (isTimed && this.#seen++ % (this.#options.timeEvery ?? 1) === 0) {
      metrics.latency.add(late, { phase: numbering.phase });
    }
    this.#options.onEvent?.(numbering, late);
    if (this.#options.ledger.isComplete) this.stop();
    else this.onMessage();
  }

  #told(text: string): void {
    const { _firehose: frame } = JSON.parse(text) as { _firehose: Frame };
    if (KEEPS_PLACE.has(frame.type)) this.#newest = text;
    // Until the end of a snapshot there is no state to resume with.
    if (frame.type === 'snapshot_begin' && frame.reason !== 'asked') this.#newest = '';
    this.#options.onFrame?.(frame);
    if (frame.type === 'hello') this.#options.onReady?.();
    if (frame.type === 'gap') metrics.gaps.add(1, { reason: frame.reason ?? '' });
  }

  #tell(): void {
    const { received, doubled, inverted, foreign, repeated } = this.#count;
    metrics.received.add(received);
    if (doubled > 0) metrics.doubled.add(doubled);
    if (inverted > 0) metrics.inverted.add(inverted);
    if (foreign > 0) metrics.foreign.add(foreign);
    if (repeated > 0) metrics.repeated.add(repeated);
    this.#count = { received: 0, doubled: 0, inverted: 0, foreign: 0, repeated: 0 };
  }
}

/** In a header: k6 puts the URL into a tag. */
const authorization = (token: string) => ({ Authorization: `Bearer ${token}` });
