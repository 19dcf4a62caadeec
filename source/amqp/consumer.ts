import type { ChannelModel } from 'amqplib';
import { setTimeout as delay } from 'node:timers/promises';
import { MAX_EVENT_BYTES } from '../../protocol/event-object.ts';
import { bind, countWaiting, findLoss, removeMarkers, setMarkers, type Loss, type Wanted } from './bindings.ts';
import { closeWithin, connectBroker, type Broker } from '../../runtime/amqp/connect.ts';
import { amqpReason, isLasting, NoAnswer, type AmqpReason } from '../../runtime/amqp/fault.ts';
import { Hand, type Delivery } from './hand.ts';
import { queueOptions } from './queue.ts';

export interface ConsumerState {
  readonly connected: boolean;
  /** Whether every binding stands. */
  readonly bound: boolean;
  /** The reason, when one of the two is false and a reason is known. */
  readonly reason: AmqpReason | null;
}

/** A look that found the bindings, or made them. Times are Unix milliseconds. */
export interface Look {
  /** When it began. */
  readonly at: number;
  /** When the last one before it began that found them; null for the first of a process. */
  readonly verifiedAt: number | null;
  /** Why they were gone, and since when this replica knows. */
  readonly lost: { readonly reason: Loss; readonly seenAt: number } | null;
  /** Messages that wait in the queue. */
  readonly waiting: number;
  /** A time of which the broker may have dropped messages as too old: they waited behind those in hand. */
  readonly expired: { readonly from: number; readonly to: number } | null;
}

export interface ConsumerOptions {
  readonly broker: Broker;
  readonly wanted: Wanted;
  /** Messages in hand at most. */
  readonly prefetch: number;
  /** Gets each message, in order; `acknowledgeBelow` says when the log has it. Must not throw. */
  readonly take: (delivery: Delivery) => void;
  /**
   * Called after each look that ends with the bindings in place. Resolves with true once the log has the gap that it
   * tells, with false when the signal aborts; must not reject. What came after the gap waits for it (S4).
   */
  readonly settle: (look: Look, signal: AbortSignal) => Promise<boolean>;
  /** Messages that wait in the queue, looked at while a gap cannot be told because the log is away. */
  readonly onWaiting: (waiting: number, at: number) => void;
  readonly onState: (state: ConsumerState) => void;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const CHECK_MS = 5_000;
const RETRY_MS = { first: 200, bind: 2_000, connect: 30_000 };
/** amqplib leaves calls open on a connection that is gone, and a quorum queue without a leader answers none. */
const STEP_LIMIT_MS = 10_000;
const BIND_LIMIT_MS = 60_000;
const CLOSE_LIMIT_MS = 2_000;

/**
 * Consumes a queue of the source's own. Two channels: RabbitMQ closes the channel on which a bind to an absent exchange
 * fails, and Kazoo's exchange is absent after a full restart of the broker. On one channel, the messages that are in the
 * queue would never come.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #hand: Hand;
  #state: ConsumerState = { connected: false, bound: false, reason: null };
  #verifiedAt: number | null = null;
  #lost: Look['lost'] = null;
  #isCancelled = false;
  #isActive = false;
  #fullSince: number | null = null;
  #expired: Look['expired'] = null;
  #emptied: (() => void) | null = null;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#hand = new Hand(options.take);
  }

  /** Messages in hand. */
  get size(): number {
    return this.#hand.size;
  }

  /** Whether the broker gives messages to this connection. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** The log has what came of all messages below this number. */
  acknowledgeBelow(number: number): void {
    this.#hand.acknowledgeBelow(number);
    this.#noteRoom();
    if (this.#hand.size === 0) this.#emptied?.();
  }

  /**
   * Runs until the signal aborts; then it closes the connection and resolves: the broker gives unacknowledged messages to
   * another replica.
   */
  async run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    while (!signal.aborted) {
      const began = this.#options.now();
      const reason = await this.#serve(signal);
      // They were received before the loss, and are redelivered: the log knows their ids by then.
      this.#hand.open();
      this.#hand.close();
      this.#isActive = false;
      if (signal.aborted) break;
      attempt = this.#options.now() - began > RETRY_MS.connect ? 1 : attempt + 1;
      this.#tell({ connected: false, bound: false, reason });
      await pause(isLasting(reason) ? RETRY_MS.connect : backOff(attempt, RETRY_MS.connect), signal);
      await this.#whenEmpty(signal);
    }
  }

  /** One connection, from its beginning to its end. */
  async #serve(signal: AbortSignal): Promise<AmqpReason> {
    let connection: ChannelModel;
    try {
      connection = await connectBroker(this.#options.broker);
    } catch (error) {
      return amqpReason(error, true);
    }
    const closing = new AbortController();
    const ended = Promise.withResolvers<unknown>();
    const stop = () => ended.resolve(null);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    // amqplib tells an error first and the end after it.
    connection.on('error', ended.resolve);
    connection.on('close', ended.resolve);
    const looking = this.#work(connection, ended.resolve, closing.signal).catch(ended.resolve);
    try {
      return amqpReason(await ended.promise, false);
    } finally {
      closing.abort();
      signal.removeEventListener('abort', stop);
      await closeWithin(connection, CLOSE_LIMIT_MS);
      await Promise.race([looking, pause(CLOSE_LIMIT_MS, NEVER)]);
    }
  }

  /** Consumes, and looks again and again whether queue and bindings stand. Rejects with what ends the connection. */
  async #work(connection: ChannelModel, end: (reason: unknown) => void, signal: AbortSignal): Promise<void> {
    await this.#noteLoss(connection);
    await within(this.#consume(connection, end, signal));
    this.#tell({ connected: true, bound: false, reason: null });
    let attempt = 0;
    while (!signal.aborted) {
      const reason = await this.#look(connection, signal);
      attempt = reason === null ? 0 : attempt + 1;
      await pause(
        reason === null ? CHECK_MS : isLasting(reason) ? RETRY_MS.connect : backOff(attempt, RETRY_MS.bind),
        signal,
      );
      if (!signal.aborted) await this.#noteLoss(connection);
    }
  }

  /** Channel A: declares the queue and consumes it. */
  async #consume(connection: ChannelModel, end: (reason: unknown) => void, signal: AbortSignal): Promise<void> {
    const { prefetch, wanted } = this.#options;
    const channel = await connection.createChannel();
    channel.on('error', end);
    channel.on('close', end);
    await channel.prefetch(prefetch);
    await channel.assertQueue(wanted.queue.name, queueOptions(wanted.queue));
    await channel.consume(wanted.queue.name, (message) => {
      // amqplib has messages even after the end of a connection: the broker gives them again.
      if (signal.aborted) return;
      // Null: the queue was deleted, or its node has gone.
      if (message === null) {
        this.#isCancelled = true;
        return end(null);
      }
      this.#isActive = true;
      const { content, fields } = message;
      // Of what is too large, as much as is needed to see that.
      const body = content.length > MAX_EVENT_BYTES ? Buffer.from(content.subarray(0, MAX_EVENT_BYTES + 1)) : content;
      this.#hand.receive({ channel, tag: fields.deliveryTag, routingKey: fields.routingKey, body });
      if (this.#hand.size >= prefetch) this.#fullSince ??= this.#options.now();
    });
  }

  /** Channel B: binds. Null: the bindings stand, and the log has the gap before them. */
  async #look(connection: ChannelModel, signal: AbortSignal): Promise<AmqpReason | null> {
    const { wanted, now, settle } = this.#options;
    const at = now();
    // Received before this look: if the exchange is not there now, no binding has brought them.
    const older = this.#hand.waiting;
    const outcome = await within(bind(connection, wanted, signal), BIND_LIMIT_MS);
    if (signal.aborted) return null;
    if (outcome.kind === 'failed') {
      this.#hand.close();
      this.#hand.release(older);
      this.#tell({ ...this.#state, bound: false, reason: outcome.reason });
      if (outcome.reason === 'NoExchange') {
        this.#lost ??= { reason: 'bindings_lost', seenAt: at };
        await within(removeMarkers(connection, wanted));
      }
      return outcome.reason;
    }
    this.#tell({ ...this.#state, bound: true, reason: null });
    const lost = this.#lost;
    const look: Look = { at, verifiedAt: this.#verifiedAt, lost, waiting: outcome.waiting, expired: this.#expired };
    if (lost !== null) this.#hand.close();
    if (!(await this.#whileCounting(connection, settle(look, signal), signal))) return null;
    this.#expired = null;
    this.#verifiedAt = at;
    if (lost !== null) await within(setMarkers(connection, wanted));
    this.#lost = null;
    this.#hand.open();
    return null;
  }

  /** Looks at the length of the queue for as long as the work takes: a queue that is full loses messages in silence. */
  async #whileCounting(connection: ChannelModel, work: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    const { wanted, now, onWaiting } = this.#options;
    const stopping = new AbortController();
    const stop = AbortSignal.any([signal, stopping.signal]);
    const working = work.finally(() => stopping.abort());
    for (;;) {
      const isDone = await Promise.race([working.then(() => true), pause(CHECK_MS, stop).then(() => false)]);
      if (isDone || stop.aborted) return await working;
      const at = now();
      onWaiting(await within(countWaiting(connection, wanted)), at);
    }
  }

  async #noteLoss(connection: ChannelModel): Promise<void> {
    const seenAt = this.#options.now();
    const reason = await within(findLoss(connection, this.#options.wanted));
    if (reason !== null) this.#lost ??= { reason: this.#isCancelled ? 'queue_lost' : reason, seenAt };
    this.#isCancelled = false;
  }

  /** The broker drops what waits for longer than its time to live, and says nothing of it. */
  #noteRoom(): void {
    const { prefetch, now, wanted } = this.#options;
    if (this.#fullSince === null || this.#hand.size >= prefetch) return;
    const to = now() - wanted.queue.messageTtlMs;
    if (to > this.#fullSince) this.#expired = { from: this.#expired?.from ?? this.#fullSince, to };
    this.#fullSince = null;
  }

  /** What is in hand is appended before it is redelivered. */
  async #whenEmpty(signal: AbortSignal): Promise<void> {
    if (this.#hand.size === 0 || signal.aborted) return;
    const { promise: emptied, resolve } = Promise.withResolvers<void>();
    this.#emptied = resolve;
    const stop = () => resolve();
    signal.addEventListener('abort', stop, { once: true });
    await emptied;
    signal.removeEventListener('abort', stop);
    this.#emptied = null;
  }

  #tell(state: ConsumerState): void {
    const { connected, bound, reason } = this.#state;
    if (state.connected === connected && state.bound === bound && state.reason === reason) return;
    this.#state = state;
    this.#options.onState(state);
  }
}

const NEVER = new AbortController().signal;

/** Doubling from 200 ms to the limit, half of it jitter. */
function backOff(attempt: number, limit: number): number {
  const ceiling = Math.min(RETRY_MS.first * 2 ** Math.min(attempt - 1, 16), limit);
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}

/** Rejects when the broker does not answer. */
async function within<T>(work: Promise<T>, limitMs = STEP_LIMIT_MS): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new NoAnswer()), limitMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}
