import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { CloseName, CloseReason } from '../../protocol/close-code.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { ConnectionKind } from '../metrics/observe-gateway.ts';
import { greediest } from './unread-budget.ts';
import { EventStream, type EventStreamOptions } from './event-stream.ts';
import type { ClientConnection } from './client-connection.ts';
import { Session } from './session.ts';
import type { SessionContext, SessionOptions } from './session-context.ts';

const SWEEP_MS = 1_000;
/** A peer that has not answered a Close by then is cut off. */
const LAST_WORD_MS = 2_000;

export interface SessionsOptions {
  readonly maxSessions: number;
  /**
   * Bytes in memory for peers that do not read, over all sessions. Beyond it, sessions of the account that uses most
   * are ended.
   */
  readonly maxUnreadBytes: number;
  readonly now: () => number;
  readonly onClosed: (session: ClientConnection, code: number) => void;
  /** Shared by all sessions. */
  readonly common: Omit<SessionContext, 'onClose' | 'now'>;
}

export interface DrainOptions {
  readonly windowMs: number;
  readonly name: CloseName;
  readonly reason: CloseReason;
  /** When aborted, the remaining sessions are closed at once. */
  readonly signal: AbortSignal;
  /** Settles when the groups' leases are released. */
  readonly handedOver: Promise<void>;
}

/** A place for one more session. */
export interface Place {
  open(connection: Omit<SessionOptions, 'number'>): void;
  openEvents(connection: Omit<EventStreamOptions, 'number'>): void;
  release(): void;
}

/** All sessions of this replica: does their periodic work, ends those whose account or user is gone, and drains. */
export class Sessions implements AsyncDisposable {
  readonly #options: SessionsOptions;
  readonly #sessions = new Set<ClientConnection>();
  readonly #timer: NodeJS.Timeout;
  /** Handshakes with a reserved place that are not sessions yet. */
  #reserved = 0;
  #opened = 0;
  #empty: (() => void) | null = null;
  readonly #context: SessionContext;

  private constructor(options: SessionsOptions) {
    this.#options = options;
    const { common, now } = options;
    this.#context = { ...common, now, onClose: (session, code) => this.#closed(session, code) };
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  static start(options: SessionsOptions): Sessions {
    return new Sessions(options);
  }

  /** Number of sessions of each kind: a member of a group counts for the group, in any contract. */
  byKind(): Record<ConnectionKind, number> {
    const counts: Record<ConnectionKind, number> = { plain: 0, control: 0, durable: 0, sse: 0 };
    for (const session of this.#sessions) counts[session.group === null ? session.contract : 'durable'] += 1;
    return counts;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Null when the replica is full. Give the place back by opening a session, or by `release`. */
  reserve(): Place | null {
    if (this.#sessions.size + this.#reserved >= this.#options.maxSessions) return null;
    this.#reserved += 1;
    let held = true;
    const release = () => {
      if (held) this.#reserved -= 1;
      held = false;
    };
    return {
      release,
      open: (connection) => {
        release();
        this.#sessions.add(new Session({ ...connection, number: (this.#opened += 1) }, this.#context));
      },
      openEvents: (connection) => {
        release();
        this.#sessions.add(new EventStream({ ...connection, number: (this.#opened += 1) }, this.#context));
      },
    };
  }

  /** In the order of opening. */
  [Symbol.iterator](): Iterator<ClientConnection> {
    return this.#sessions.values();
  }

  /** Ends the sessions of these tokens, and returns their number. */
  closeWhere(isMeant: (token: VerifiedToken) => boolean, reason: CloseName & CloseReason): number {
    let closed = 0;
    for (const session of this.#sessions) {
      if (isMeant(session.token) && session.close(reason, reason)) closed += 1;
    }
    return closed;
  }

  /**
   * After a change of the directory or of the privacy profiles: ends sessions whose user or account is removed or
   * disabled, or whose profile is gone, and applies the change to the others.
   */
  judgeAgain(): void {
    for (const session of this.#sessions) session.judgeAgain();
  }

  /**
   * Closes all sessions, spread evenly over the window so that their clients do not reconnect all at once. Sessions of
   * a group begin to close when it is `handedOver`: until then they can acknowledge the events that they have, so that
   * no other member gets these. After that they get no events, so the first one closes at once.
   */
  async drain(options: DrainOptions): Promise<void> {
    const sessions = shuffled([...this.#sessions]);
    const members = sessions.filter(({ group }) => group !== null);
    const others = sessions.filter(({ group }) => group === null);
    const start = performance.now();
    for (const list of [members, others]) {
      for (const [index, session] of list.entries()) session.announceDrain((options.windowMs * index) / list.length);
    }
    const left = () => Math.max(0, options.windowMs - (performance.now() - start));
    await Promise.all([
      options.handedOver.then(() => closeSpread(members, left(), options)),
      closeSpread(others, left(), options),
    ]);
    // Sessions that were opened in the meantime.
    for (const session of this.#sessions) session.close(options.name, options.reason);
    await this.#gone();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const session of this.#sessions) session.close('shutdown', 'shutdown');
    await this.#gone();
  }

  /** Waits until all sessions are gone, and cuts off those that do not answer. */
  async #gone(): Promise<void> {
    if (this.#sessions.size === 0) return;
    const gone = Promise.withResolvers<void>();
    this.#empty = gone.resolve;
    const timer = setTimeout(() => {
      for (const session of this.#sessions) session.terminate();
    }, LAST_WORD_MS);
    await gone.promise;
    clearTimeout(timer);
  }

  #sweep(): void {
    const now = { wall: this.#options.now(), steady: performance.now() };
    for (const session of this.#sessions) session.sweep(now);
    this.#endGreediest();
  }

  #endGreediest(): void {
    let held = 0;
    for (const session of this.#sessions) held += session.unreadBytes;
    if (held <= this.#options.maxUnreadBytes) return;
    const unread = [...this.#sessions].map((session) => ({
      session,
      account: session.token.grant.account,
      bytes: session.unreadBytes,
    }));
    for (const { session } of greediest(unread, this.#options.maxUnreadBytes)) {
      session.close('slowConsumer', 'slow_consumer');
    }
  }

  #closed(session: ClientConnection, code: number): void {
    this.#sessions.delete(session);
    this.#options.onClosed(session, code);
    if (this.#sessions.size === 0) this.#empty?.();
  }
}

function shuffled<T>(list: T[]): T[] {
  for (let index = list.length - 1; index > 0; index -= 1) {
    const other = randomInt(index + 1);
    [list[index], list[other]] = [list[other] as T, list[index] as T];
  }
  return list;
}

async function closeSpread(
  sessions: readonly ClientConnection[],
  windowMs: number,
  options: DrainOptions,
): Promise<void> {
  const start = performance.now();
  for (const [index, session] of sessions.entries()) {
    const wait = start + (windowMs * index) / sessions.length - performance.now();
    if (wait > 1 && !options.signal.aborted) await unlessAborted(wait, options.signal);
    session.close(options.name, options.reason);
  }
}

async function unlessAborted(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
