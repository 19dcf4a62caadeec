import type { ChannelModel } from 'amqplib';
import { randomBytes } from 'node:crypto';
import { MAX_EVENT_BYTES } from '../../protocol/event-object.ts';
import { bind, countWaiting, findLoss, removeMarkers, setMarkers, type Loss, type Wanted } from './bindings.ts';
import { closeWithin, connectBroker, type Broker } from '../../runtime/amqp/connect.ts';
import { amqpReason, isLasting, type AmqpReason } from '../../runtime/amqp/fault.ts';
import { Hand, type Delivery } from './hand.ts';
import type { Coverage, Look, Settlement } from './look.ts';
import { queueOptions } from './queue.ts';
import { pause, within } from './waits.ts';

export interface ConsumerState {
  readonly connected: boolean;
  /** Whether every binding exists. */
  readonly bound: boolean;
  /** The reason, when one of the two is false and the reason is known. */
  readonly reason: AmqpReason | null;
}

export interface ConsumerOptions {
  readonly broker: Broker;
  readonly wanted: Wanted;
  /** Largest number of unacknowledged messages. */
  readonly prefetch: number;
  /** Receives each message, in order; `acknowledgeBelow` reports that the log has it. Must not throw. */
  readonly take: (delivery: Delivery) => void;
  readonly coverage: Coverage;
  /** Number of messages that wait in the queue. Read while the log is away, because a gap cannot be appended then. */
  readonly onWaiting: (waiting: number, at: number) => void;
  readonly onState: (state: ConsumerState) => void;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const CHECK_MS = 5_000;
const RETRY_MS = { first: 200, bind: 2_000, connect: 30_000 };
const BIND_LIMIT_MS = 60_000;
const CLOSE_LIMIT_MS = 2_000;

/**
 * Consumes the source's own queue. Uses two channels: RabbitMQ closes the channel on which a bind to an absent exchange
 * fails, and Kazoo's exchange is absent after a full restart of the broker. With one channel, the messages that are in
 * the queue would never arrive.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #hand: Hand;
  #state: ConsumerState = { connected: false, bound: false, reason: null };
  #verifiedAt: number | null = null;
  /** When the current look began, and the markers that it asked for. */
  #lookedAt = 0;
  #base: string | null = null;
  /** Holds until a look of this replica or of another one has reported the loss. */
  #lost: { readonly reason: Loss; readonly base: string | null } | null = null;
  #isCancelled = false;
  #isActive = false;
  #fullSince: number | null = null;
  #expired: Look['expired'] = null;
  #emptied: (() => void) | null = null;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    // A broker that waits for a quarter of the prefetch still sends.
    this.#hand = new Hand(options.take, Math.ceil(options.prefetch / 4));
  }

  /** Number of unacknowledged messages. */
  get size(): number {
    return this.#hand.size;
  }

  /** Whether the broker delivers messages to this connection. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** The log has the events of all messages below this number. */
  acknowledgeBelow(number: number): void {
    this.#hand.acknowledgeBelow(number);
    this.#noteRoom();
    if (this.#hand.size === 0) this.#emptied?.();
  }

  /**
   * Runs until the signal aborts; then closes the connection and resolves. The broker gives unacknowledged messages to
   * another replica.
   */
  async run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    while (!signal.aborted) {
      const began = this.#options.now();
      const reason = await this.#serve(signal);
      // These messages arrived before the loss and will be redelivered: the log knows their ids by then.
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

  /** One connection from start to end. */
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
    // amqplib reports an error first and the end after it.
    connection.on('error', ended.resolve);
    connection.on('close', ended.resolve);
    const looking = this.#work(connection, ended.resolve, closing.signal).catch(ended.resolve);
    try {
      return amqpReason(await ended.promise, false);
    } finally {
      closing.abort();
      signal.removeEventListener('abort', stop);
      this.#hand.settle();
      await closeWithin(connection, CLOSE_LIMIT_MS);
      await Promise.race([looking, pause(CLOSE_LIMIT_MS, NEVER)]);
    }
  }

  /** Consumes, and checks repeatedly that queue and bindings exist. Rejects with the cause that ends the connection. */
  async #work(connection: ChannelModel, end: (reason: unknown) => void, signal: AbortSignal): Promise<void> {
    await this.#noteLoss(connection);
    await within(this.#consume(connection, end, signal));
    this.#tell({ connected: true, bound: false, reason: null });
    let attempt = 0;
    while (!signal.aborted) {
      const outcome = await this.#look(connection, signal);
      attempt = outcome === 'InForce' ? 0 : attempt + 1;
      await pause(pauseAfter(outcome, attempt), signal);
      if (!signal.aborted) await this.#noteLoss(connection);
    }
  }

  /** Channel A declares the queue and consumes it. */
  async #consume(connection: ChannelModel, end: (reason: unknown) => void, signal: AbortSignal): Promise<void> {
    const { prefetch, wanted } = this.#options;
    const channel = await connection.createChannel();
    channel.on('error', end);
    channel.on('close', end);
    await channel.prefetch(prefetch);
    await channel.assertQueue(wanted.queue.name, queueOptions(wanted.queue));
    await channel.consume(wanted.queue.name, (message) => {
      // amqplib may deliver messages after the end of a connection: the broker redelivers them.
      if (signal.aborted) return;
      // Null: the queue was deleted, or its node is gone.
      if (message === null) {
        this.#isCancelled = true;
        return end(null);
      }
      this.#isActive = true;
      const { content, fields } = message;
      // Of a body that is too large, keeps just enough bytes to detect that.
      const body = content.length > MAX_EVENT_BYTES ? Buffer.from(content.subarray(0, MAX_EVENT_BYTES + 1)) : content;
      this.#hand.receive({ channel, tag: fields.deliveryTag, routingKey: fields.routingKey, body });
      if (this.#hand.size >= prefetch) this.#fullSince ??= this.#options.now();
    });
  }

  /** Channel B binds, and sets new markers after a loss. */
  async #look(connection: ChannelModel, signal: AbortSignal): Promise<Outcome> {
    const { wanted, coverage } = this.#options;
    // These messages arrived before this look. If the exchange is absent now, no binding delivered them.
    const older = this.#hand.waiting;
    let bound = await within(bind(connection, wanted, signal), BIND_LIMIT_MS);
    let lost: Look['lost'] = null;
    if (bound.kind === 'bound' && this.#lost !== null && !signal.aborted) {
      const { reason, base } = this.#lost;
      lost = { reason, markers: randomBytes(6).toString('hex') };
      this.#hand.close();
      const announced = coverage.announce(lost.markers, base, signal);
      if (!(await this.#whileCounting(connection, announced, signal))) return 'InForce';
      await within(setMarkers(connection, wanted, lost.markers));
      bound = await within(bind(connection, wanted, signal), BIND_LIMIT_MS);
    }
    if (signal.aborted) return 'InForce';
    if (bound.kind === 'failed') return await this.#noteUnbound(connection, bound.reason, older);
    this.#tell({ ...this.#state, bound: true, reason: null });
    const look: Look = {
      at: this.#lookedAt,
      base: this.#base,
      verifiedAt: this.#verifiedAt,
      lost,
      waiting: bound.waiting,
      expired: this.#expired,
    };
    const settlement = await this.#whileCounting(connection, coverage.settle(look, signal), signal);
    return settlement === null ? 'InForce' : await this.#finish(connection, look, settlement);
  }

  /** The log has the result of the look. */
  async #finish(connection: ChannelModel, { at }: Look, { isInForce, stale }: Settlement): Promise<Outcome> {
    const { wanted, coverage } = this.#options;
    this.#expired = null;
    if (isInForce) {
      this.#verifiedAt = at;
      this.#lost = null;
      this.#hand.open();
    } else {
      this.#hand.close();
    }
    for (const markers of stale) await within(removeMarkers(connection, wanted, markers));
    if (stale.length > 0) await coverage.forget(stale);
    return isInForce ? 'InForce' : 'Superseded';
  }

  async #noteUnbound(connection: ChannelModel, reason: AmqpReason, older: number): Promise<AmqpReason> {
    this.#hand.close();
    this.#hand.release(older);
    this.#tell({ ...this.#state, bound: false, reason });
    if (reason === 'NoExchange') {
      this.#lost ??= { reason: 'bindings_lost', base: this.#base };
      if (this.#base !== null && this.#base !== '')
        await within(removeMarkers(connection, this.#options.wanted, this.#base));
    }
    return reason;
  }

  /** Checks the length of the queue while `work` runs: a full queue drops messages without a notice. */
  async #whileCounting<T>(connection: ChannelModel, work: Promise<T>, signal: AbortSignal): Promise<T> {
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

  /** Begins a look: reads which markers are in force, and whether they exist. */
  async #noteLoss(connection: ChannelModel): Promise<void> {
    const { coverage, wanted, now } = this.#options;
    this.#lookedAt = now();
    const base = await coverage.markers();
    this.#base = base;
    const wasCancelled = this.#isCancelled;
    // The markers changed: another replica has reported that loss.
    if (this.#lost !== null && this.#lost.base !== null && this.#lost.base !== base) this.#lost = null;
    if (base === null) return;
    const found = await within(findLoss(connection, wanted, base));
    const known = this.#lost?.reason ?? found;
    // Another replica may have declared the queue again.
    const reason = known !== null && this.#isCancelled ? 'queue_lost' : known;
    // Kept when a look fails, and when the cancellation arrived meanwhile and may belong to another loss.
    if (wasCancelled || reason !== null) this.#isCancelled = false;
    this.#lost = reason === null ? null : { reason, base };
  }

  /** The broker drops messages that wait longer than their time to live, without a notice. */
  #noteRoom(): void {
    const { prefetch, now, wanted } = this.#options;
    if (this.#fullSince === null || this.#hand.size >= prefetch) return;
    const to = now() - wanted.queue.messageTtlMs;
    if (to > this.#fullSince) this.#expired = { from: this.#expired?.from ?? this.#fullSince, to };
    this.#fullSince = null;
  }

  /** Unacknowledged messages are appended before they are redelivered. */
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

/** `Superseded`: another replica has replaced the markers that the look asked for. */
type Outcome = 'InForce' | 'Superseded' | AmqpReason;

function pauseAfter(outcome: Outcome, attempt: number): number {
  if (outcome === 'InForce') return CHECK_MS;
  if (outcome === 'Superseded') return backOff(attempt, RETRY_MS.bind);
  return isLasting(outcome) ? RETRY_MS.connect : backOff(attempt, RETRY_MS.bind);
}

/** Doubles from 200 ms to the limit; half of it is jitter. */
function backOff(attempt: number, limit: number): number {
  const ceiling = Math.min(RETRY_MS.first * 2 ** Math.min(attempt - 1, 16), limit);
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}
