import { BackOff } from './back-off.ts';
import { Connection, type Ended } from './connection.ts';
import { FirehoseError } from './errors.ts';
import { readMessage, type Frame, type GapItem, type Message } from './items.ts';
import { Tokens, untrusted } from './tokens.ts';
import type { FirehoseOptions } from './options.ts';
import type { OpenTransport } from './transport.ts';
import { afterClose, afterRefusal } from './verdict.ts';
import { askedMs, pause } from './waits.ts';

const STREAM_PATH = '/ws/v1/firehose/callEvents';

export interface SessionOptions {
  readonly client: FirehoseOptions;
  readonly transport: OpenTransport;
  /** Query of the next connection, without the token. */
  readonly query: (cursor: string | null) => Readonly<Record<string, string>>;
  /** Whether the successor of a connection may open before the old one closes: not in a group (L9). */
  readonly mayOverlap: boolean;
  readonly signal?: AbortSignal | undefined;
}

export type Arrival = Exclude<Message, { kind: 'unknown' }> | { readonly kind: 'gap'; readonly gap: GapItem };

/** Presents consecutive connections as one: logs in, renews, reconnects, moves away from a replica that drains. */
export class Session {
  readonly #options: SessionOptions;
  readonly #tokens: Tokens;
  readonly #backOff = new BackOff();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #current: Connection | null = null;
  #successor: Connection | null = null;
  #moving: ReturnType<typeof setTimeout> | null = null;
  #isDone = false;
  /** The first attempt has no delay. */
  #isFirst = true;
  /** No connection is made before this time of the monotonic clock: a draining replica has named it (L2). */
  #notBefore = 0;
  /** The last position that was taken from a connection. */
  cursor: string | null = null;
  /** Called when a new connection is in use. */
  onConnected: () => void = () => undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#tokens = new Tokens(options.client, options.transport);
    this.#signal =
      options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal]);
    this.#signal.addEventListener('abort', () => this.#leave(), { once: true });
  }

  /** Aborted once the caller has ended it. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  get isStopped(): boolean {
    return this.#signal.aborted || this.#isDone;
  }

  /** A message that has arrived already; null when none waits, or the caller has ended the session (L11). */
  taken(): Arrival | null {
    while (!this.isStopped) {
      const text = this.#current?.take() ?? null;
      if (text === null) return null;
      const message = readMessage(text);
      if (message.kind === 'unknown') continue;
      const cursor = placeOf(message, this.cursor !== null);
      if (cursor !== null) this.cursor = cursor;
      return message;
    }
    return null;
  }

  /** The next arrival; null once the session has ended. Rejects with a FirehoseError when it cannot continue. */
  async next(): Promise<Arrival | null> {
    while (!this.isStopped) {
      const arrival = this.taken();
      if (arrival !== null) return arrival;
      const ended = this.#current?.ended ?? null;
      if (this.#current === null) await this.#connect(0);
      else if (ended === null) await this.#current.arrival();
      else if (this.#successor !== null) this.#use(this.#successor);
      else {
        const gap = await this.#afterEnd(this.#current, ended);
        if (gap !== null) return { kind: 'gap', gap };
      }
    }
    return null;
  }

  /** False when there is no connection to send it on. */
  send(frame: object): boolean {
    return this.#current?.send(frame) ?? false;
  }

  /** Ends everything at once. */
  close(): void {
    this.#stop.abort();
  }

  async #afterEnd(connection: Connection, ended: Ended): Promise<GapItem | null> {
    this.#backOff.lived(connection.livedMs);
    this.#current = null;
    if (ended.untrusted === true) throw untrusted();
    const { refusal } = ended;
    const verdict =
      refusal === undefined
        ? afterClose(ended.code, ended.reason)
        : afterRefusal(refusal.status, null, refusal.retryAfter);
    const how = refusal === undefined ? 'closed with' : 'answered';
    switch (verdict.kind) {
      case 'done':
        this.#isDone = true;
        return null;
      case 'stop':
        throw new FirehoseError('refused', `the gateway ${how} ${verdict.status} ${verdict.reason ?? ''}`.trim(), {
          status: verdict.status,
          reason: verdict.reason,
        });
      case 'gap':
        await this.#connect(0);
        return { type: 'gap', reason: verdict.reason, requested: this.cursor, missed: null };
      case 'again':
        if (verdict.login) this.#tokens.refused();
        this.#log(`closed with ${ended.code}: connecting again`);
        await this.#connect(ended.code === 1006 && connection.hasOpened ? 0 : verdict.afterMs);
        return null;
    }
  }

  /** Resolves once a connection is in use, or the session is stopped. */
  async #connect(atLeastMs: number): Promise<void> {
    let wait = this.#isFirst ? 0 : this.#backOff.next(atLeastMs);
    this.#isFirst = false;
    while (!this.isStopped) {
      await pause(Math.max(wait, this.#notBefore - performance.now()), this.#signal);
      if (this.isStopped) return;
      const connection = await this.#open(this.cursor);
      if (connection instanceof Connection) return this.#use(connection);
      wait = this.#backOff.next(connection);
    }
  }

  /** Shortest wait in milliseconds when there is no token now. */
  async #open(cursor: string | null): Promise<Connection | number> {
    const outcome = await this.#tokens.get(this.#signal).catch((error: unknown) => {
      if (this.#signal.aborted) return { kind: 'again', login: false, afterMs: 0 } as const;
      throw error;
    });
    if (outcome.kind !== 'token') {
      this.#log('no token: logging in again');
      return outcome.kind === 'again' ? outcome.afterMs : 0;
    }
    const url = new URL(STREAM_PATH, this.#options.client.url);
    url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
    const query = { v: '1', refusals: 'close', ...this.#options.query(cursor) };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const place = { url: url.href, token: outcome.token };
    const transport = await this.#options.transport();
    // The caller may have ended the session in the meantime: nothing else would close this connection.
    if (this.isStopped) return 0;
    return new Connection(transport, place, (frame, from) => this.#onFrame(frame, from));
  }

  #use(connection: Connection): void {
    this.#current = connection;
    this.#successor = null;
    this.#stay();
    this.onConnected();
  }

  #onFrame(frame: Frame, connection: Connection): void {
    if (frame.type === 'hello') this.#tokens.taken();
    if (frame.type === 'hello' && connection === this.#successor) this.#current?.close();
    if (frame.type === 'token_expiring') void this.#renew(connection);
    if (frame.type === 'drain') this.#moveAfter(askedMs(frame.retry_after_ms), connection);
  }

  async #renew(connection: Connection): Promise<void> {
    // When renewal fails, the gateway closes with 4401 in time, and the next connection logs in.
    const token = await this.#tokens.renew(this.#signal).catch(() => null);
    if (token !== null) connection.send({ auth: token });
  }

  /** The gateway spreads its connections over the drain window: each has a time of its own. */
  #moveAfter(milliseconds: number, connection: Connection): void {
    if (this.#moving !== null || connection !== this.#current) return;
    // Applies even when the replica is gone before that: all its clients at once would be a storm.
    this.#notBefore = performance.now() + milliseconds;
    this.#moving = setTimeout(() => {
      this.#moving = null;
      if (this.isStopped || connection !== this.#current || connection.ended !== null) return;
      if (!this.#options.mayOverlap) return connection.close();
      void this.#openSuccessor(connection).catch(() => connection.close());
    }, milliseconds);
  }

  async #openSuccessor(connection: Connection): Promise<void> {
    const newest = connection.newest === null ? null : readMessage(connection.newest);
    const cursor = newest === null ? null : placeOf(newest, true);
    const successor = await this.#open(cursor ?? this.cursor);
    if (successor instanceof Connection && connection === this.#current) this.#successor = successor;
    else if (successor instanceof Connection) successor.close();
    else connection.close();
  }

  #stay(): void {
    if (this.#moving !== null) clearTimeout(this.#moving);
    this.#moving = null;
  }

  #leave(): void {
    this.#stay();
    this.#successor?.close();
    this.#current?.close();
  }

  #log(line: string): void {
    this.#options.client.log?.(line);
  }
}

/** The position after a message; null when it has none. */
function placeOf(message: Message, isKnown: boolean): string | null {
  if (message.kind === 'unknown') return null;
  if (message.kind === 'event') return message.item.cursor;
  const { type, cursor = null } = message.frame;
  // Only from the first `hello`: the gap after a later one still reports what it skips.
  if (type === 'hello' && isKnown) return null;
  // The position of a snapshot counts once the snapshot is complete (L13).
  return type === 'snapshot_begin' || typeof cursor !== 'string' ? null : cursor;
}
