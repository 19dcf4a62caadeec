import type { Channel, ConsumeMessage } from 'amqplib';

/** An acknowledgement is a write to the socket, and makes the broker send: it waits so long for others. */
const OWED_MS = 5;

/** A message of the exchange. */
export interface Delivery {
  /** Counts the processed messages, from 1. */
  readonly number: number;
  readonly routingKey: string;
  readonly body: Buffer;
}

/** A message as its channel delivered it. */
export interface Received {
  readonly channel: Channel;
  readonly tag: number;
  readonly routingKey: string;
  readonly body: Buffer;
}

/**
 * The unacknowledged messages. A message waits until it is known that no gap belongs before it. Then it is processed,
 * in order. It is acknowledged on its own channel once the log has its events (S5).
 */
export class Hand {
  readonly #take: (delivery: Delivery) => void;
  readonly #mostOwed: number;
  readonly #waiting: Received[] = [];
  #taken: Received[] = [];
  /** Number of the first message of `#taken`. */
  #first = 1;
  /** The last message of each channel that is done and not acknowledged: it stands for those before it. */
  readonly #owed = new Map<Channel, number>();
  #owedCount = 0;
  #timer: NodeJS.Timeout | undefined;
  /** How many of the waiting messages may be processed; all when the gate is open. */
  #isOpen = false;

  /** `mostOwed`: acknowledgements that wait for others at most. */
  constructor(take: (delivery: Delivery) => void, mostOwed: number) {
    this.#take = take;
    this.#mostOwed = mostOwed;
  }

  get size(): number {
    return this.#waiting.length + this.#taken.length;
  }

  receive(received: Received): void {
    if (this.#isOpen && this.#waiting.length === 0) return this.#takeOne(received);
    this.#waiting.push(received);
    if (this.#isOpen) this.release(this.#waiting.length);
  }

  /** From now on messages wait. */
  close(): void {
    this.#isOpen = false;
  }

  /** Processes waiting messages and later ones at once. */
  open(): void {
    this.#isOpen = true;
    this.release(this.#waiting.length);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Processes the first `count` waiting messages. */
  release(count: number): void {
    for (const received of this.#waiting.splice(0, count)) this.#takeOne(received);
  }

  #takeOne(received: Received): void {
    this.#taken.push(received);
    const { routingKey, body } = received;
    this.#take({ number: this.#first + this.#taken.length - 1, routingKey, body });
  }

  /** The log has the events of all messages below this number. */
  acknowledgeBelow(number: number): void {
    const count = Math.min(number - this.#first, this.#taken.length);
    if (count <= 0) return;
    for (const { channel, tag } of this.#taken.slice(0, count)) this.#owed.set(channel, tag);
    this.#taken = this.#taken.slice(count);
    this.#first += count;
    this.#owedCount += count;
    if (this.#owedCount >= this.#mostOwed) this.settle();
    else this.#timer ??= setTimeout(() => this.settle(), OWED_MS);
  }

  /** Acknowledges what is owed. */
  settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [channel, tag] of this.#owed) {
      try {
        channel.ack({ fields: { deliveryTag: tag } } as ConsumeMessage, true);
      } catch {
        // The channel has closed: the broker redelivers the messages, and the log knows their ids.
      }
    }
    this.#owed.clear();
    this.#owedCount = 0;
  }
}
