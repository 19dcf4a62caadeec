import { connect, type Channel, type ChannelModel, type ConsumeMessage } from 'amqplib';
import { setTimeout as delay } from 'node:timers/promises';
import { amqpReason, isLasting, type AmqpReason } from './fault.ts';
import { queueOptions, type QueueSpec } from './queue.ts';

/** A message of the exchange. */
interface Delivery {
  readonly routingKey: string;
  readonly body: Buffer;
}

export interface ConsumerState {
  readonly connected: boolean;
  /** Whether every binding stands. */
  readonly bound: boolean;
  /** The reason, when one of the two is false and a reason is known. */
  readonly reason: AmqpReason | null;
}

/** A time in which events were lost, or may have been. Unix milliseconds. */
export interface BusGap {
  readonly reason: 'bindings_lost' | 'queue_lost' | 'queue_overflow';
  readonly from: number;
  readonly to: number;
}

/** More than eight members: the declarations of the broker, and one callback for each thing that it reports. */
export interface ConsumerOptions {
  /** Contains credentials: never in a log or an error. */
  readonly url: string;
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  readonly exchange: { readonly name: string; readonly declare: boolean };
  readonly queue: QueueSpec;
  /** Binding keys of the exchange. */
  readonly bindings: readonly string[];
  /** Messages in hand at most. */
  readonly prefetch: number;
  /**
   * Takes messages in their order; resolves with true once the log has them. They are acknowledged then, and not before
   * (S5). Retries by itself what the log refuses, and resolves with false when the signal aborts. Must not reject.
   */
  readonly take: (deliveries: readonly Delivery[], signal: AbortSignal) => Promise<boolean>;
  readonly onState: (state: ConsumerState) => void;
  readonly onGap: (gap: BusGap) => void;
  /** Unix milliseconds. */
  readonly now: () => number;
}

interface InHand extends Delivery {
  readonly channel: Channel;
  readonly tag: number;
}

const MAX_BATCH = 500;
const CHECK_MS = 5_000;
const RETRY_MS = { first: 200, bind: 2_000, connect: 30_000 };
const CONNECT_LIMIT_MS = 10_000;
const CONSUME_LIMIT_MS = 10_000;
const CLOSE_LIMIT_MS = 2_000;
const HEARTBEAT_SECONDS = 10;

/**
 * Consumes the queue until the signal aborts; then it closes the connection and resolves: the broker gives
 * unacknowledged messages to another replica. Two channels: RabbitMQ closes the channel on which a bind to an absent
 * exchange fails, and Kazoo's exchange is absent after a full restart of the broker. On one channel, the messages that
 * are in the queue would never come.
 */
export async function runConsumer(options: ConsumerOptions, signal: AbortSignal): Promise<void> {
  await new Consumer(options, signal).run();
}

class Consumer {
  readonly #options: ConsumerOptions;
  readonly #signal: AbortSignal;
  readonly #inHand: InHand[] = [];
  #state: ConsumerState = { connected: false, bound: false, reason: null };
  readonly #waiting = new Set<() => void>();
  /** Since when bindings may be missing; null while they stand. */
  #unboundSince: number | null = null;
  #overflowSince: number | null = null;
  #wasBound = false;
  #isQueueLost = false;

  constructor(options: ConsumerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  async run(): Promise<void> {
    const taking = this.#takeAll();
    let attempt = 0;
    while (!this.#signal.aborted) {
      // The messages at hand are appended first: they are redelivered after that, and the log knows their ids.
      await this.#until(() => this.#inHand.length === 0);
      if (this.#signal.aborted) break;
      const { reason, servedMs } = await this.#serve();
      if (this.#signal.aborted) break;
      attempt = servedMs > RETRY_MS.connect ? 1 : attempt + 1;
      this.#tell({ connected: false, bound: false, reason });
      await this.#pause(isLasting(reason) ? RETRY_MS.connect : backOff(attempt, RETRY_MS.connect));
    }
    await taking;
  }

  /** One connection, from its beginning to its end. */
  async #serve(): Promise<{ readonly reason: AmqpReason; readonly servedMs: number }> {
    const { url, tls, now } = this.#options;
    const ended = Promise.withResolvers<unknown>();
    let connection: ChannelModel;
    let began = now();
    try {
      const socket = { timeout: CONNECT_LIMIT_MS, noDelay: true, keepAlive: true, ...tls };
      connection = await connect(withHeartbeat(url), socket);
    } catch (error) {
      return { reason: amqpReason(error, true), servedMs: 0 };
    }
    began = now();
    const stop = () => ended.resolve(null);
    this.#signal.addEventListener('abort', stop, { once: true });
    // amqplib tells an error first and the end after it.
    connection.on('error', (error) => ended.resolve(error));
    connection.on('close', (error?: unknown) => ended.resolve(error));
    const closing = new AbortController();
    try {
      const keeping = this.#keepBound(connection, closing.signal);
      // amqplib leaves calls open on a connection that is gone, and a quorum queue without a leader answers none.
      const consuming = this.#consume(connection, ended.resolve).then(() => true);
      const late = delay(CONSUME_LIMIT_MS, false, { signal: closing.signal }).catch(() => false);
      const isConsuming = await Promise.race([consuming, ended.promise.then(() => false), late]);
      if (!isConsuming)
        return { reason: amqpReason(await Promise.race([ended.promise, Promise.resolve(null)]), false), servedMs: 0 };
      this.#tell({ ...this.#state, connected: true, reason: this.#state.bound ? null : this.#state.reason });
      const error = await ended.promise;
      closing.abort();
      await keeping;
      return { reason: amqpReason(error, false), servedMs: now() - began };
    } catch (error) {
      return { reason: amqpReason(error, false), servedMs: 0 };
    } finally {
      closing.abort();
      this.#signal.removeEventListener('abort', stop);
      this.#noteUnbound();
      await closeWithin(connection, CLOSE_LIMIT_MS);
    }
  }

  /** Channel A: declares the queue and consumes it. */
  async #consume(connection: ChannelModel, end: (reason: unknown) => void): Promise<void> {
    const { queue, prefetch } = this.#options;
    const channel = await connection.createChannel();
    channel.on('error', end);
    channel.on('close', () => end(null));
    await channel.prefetch(prefetch);
    await channel.assertQueue(queue.name, queueOptions(queue));
    // Null: the queue was deleted, or its node has gone.
    await channel.consume(queue.name, (message) => {
      if (message !== null) return this.#receive(channel, message);
      this.#isQueueLost = true;
      end(null);
    });
  }

  #receive(channel: Channel, { fields, content }: ConsumeMessage): void {
    this.#inHand.push({ channel, tag: fields.deliveryTag, routingKey: fields.routingKey, body: content });
    this.#wake();
  }

  /** Appends what is in hand, in order, and acknowledges it where it came from. */
  async #takeAll(): Promise<void> {
    for (;;) {
      await this.#until(() => this.#inHand.length > 0);
      if (this.#signal.aborted) return;
      const batch = this.#inHand.slice(0, MAX_BATCH);
      if (!(await this.#options.take(batch, this.#signal))) return;
      this.#inHand.splice(0, batch.length);
      this.#acknowledge(batch);
      this.#wake();
    }
  }

  #acknowledge(batch: readonly InHand[]): void {
    const last = new Map(batch.map((message) => [message.channel, message]));
    for (const [channel, message] of last) {
      try {
        channel.ack({ fields: { deliveryTag: message.tag } } as ConsumeMessage, true);
      } catch {
        // The channel has closed: the broker gives the messages again, and the log knows their ids.
      }
    }
  }

  /** Channel B: binds, and looks every 5 s whether queue and bindings stand. */
  async #keepBound(connection: ChannelModel, signal: AbortSignal): Promise<void> {
    const { promise: aborted, resolve } = Promise.withResolvers<null>();
    signal.addEventListener('abort', () => resolve(null), { once: true });
    let attempt = 0;
    while (!signal.aborted) {
      const reason = await Promise.race([this.#bindOnce(connection, signal), aborted]);
      if (signal.aborted) return;
      if (reason === null) {
        attempt = 0;
        this.#noteBound();
      } else {
        attempt += 1;
        this.#noteUnbound();
        this.#tell({ ...this.#state, bound: false, reason });
      }
      const wait = reason === null ? CHECK_MS : isLasting(reason) ? RETRY_MS.connect : backOff(attempt, RETRY_MS.bind);
      await delay(wait, undefined, { signal }).catch(ignore);
    }
  }

  async #bindOnce(connection: ChannelModel, signal: AbortSignal): Promise<AmqpReason | null> {
    const { exchange, queue, bindings } = this.#options;
    try {
      const channel = await connection.createChannel();
      // The rejected call tells it, too.
      channel.on('error', ignore);
      if (exchange.declare) {
        // Exactly as Kazoo declares it: another declaration would make Kazoo fail.
        await channel.assertExchange(exchange.name, 'topic', { durable: false, autoDelete: false });
      }
      await channel.assertQueue(queue.name, queueOptions(queue));
      for (const key of bindings) {
        if (signal.aborted) break;
        await channel.bindQueue(queue.name, exchange.name, key);
      }
      const { messageCount } = await channel.checkQueue(queue.name);
      this.#noteLength(messageCount);
      await channel.close();
      return null;
    } catch (error) {
      return amqpReason(error, false);
    }
  }

  #noteBound(): void {
    const { now, onGap } = this.#options;
    if (this.#unboundSince !== null && this.#wasBound) {
      const reason = this.#isQueueLost ? 'queue_lost' : 'bindings_lost';
      onGap({ reason, from: this.#unboundSince, to: now() });
    }
    this.#isQueueLost = false;
    this.#unboundSince = null;
    this.#wasBound = true;
    this.#tell({ ...this.#state, bound: true, reason: null });
  }

  #noteUnbound(): void {
    this.#unboundSince ??= this.#options.now();
  }

  /** A full queue drops its oldest messages, and the broker says nothing of it. */
  #noteLength(messages: number): void {
    const { queue, now, onGap } = this.#options;
    if (messages >= queue.maxLength) {
      this.#overflowSince ??= now();
    } else if (this.#overflowSince !== null) {
      onGap({ reason: 'queue_overflow', from: this.#overflowSince, to: now() });
      this.#overflowSince = null;
    }
  }

  #tell(state: ConsumerState): void {
    const { connected, bound, reason } = this.#state;
    if (state.connected === connected && state.bound === bound && state.reason === reason) return;
    this.#state = state;
    this.#options.onState(state);
  }

  /** Resolves when it holds, or when the signal aborts. */
  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#signal.aborted) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  async #pause(milliseconds: number): Promise<void> {
    await delay(milliseconds, undefined, { signal: this.#signal }).catch(ignore);
  }
}

/** Doubling from 200 ms to the limit, half of it jitter. */
function backOff(attempt: number, limit: number): number {
  const ceiling = Math.min(RETRY_MS.first * 2 ** Math.min(attempt - 1, 16), limit);
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}

/** A broker that is gone answers no close. */
async function closeWithin(connection: ChannelModel, limitMs: number): Promise<void> {
  const stopping = new AbortController();
  const closing = (async () => connection.close())().catch(ignore);
  await Promise.race([closing, delay(limitMs, undefined, { signal: stopping.signal }).catch(ignore)]);
  stopping.abort();
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS));
  return parsed.href;
}

function ignore(): void {
  // The failure is reported in another way.
}
