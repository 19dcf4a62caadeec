import type { Channel, ConsumeMessage } from 'amqplib';

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
  readonly #waiting: Received[] = [];
  #taken: Received[] = [];
  /** Number of the first message of `#taken`. */
  #first = 1;
  /** How many of the waiting messages may be processed; all when the gate is open. */
  #isOpen = false;

  constructor(take: (delivery: Delivery) => void) {
    this.#take = take;
  }

  get size(): number {
    return this.#waiting.length + this.#taken.length;
  }

  receive(received: Received): void {
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
    for (const received of this.#waiting.splice(0, count)) {
      this.#taken.push(received);
      const { routingKey, body } = received;
      this.#take({ number: this.#first + this.#taken.length - 1, routingKey, body });
    }
  }

  /** The log has the events of all messages below this number. */
  acknowledgeBelow(number: number): void {
    const count = Math.min(number - this.#first, this.#taken.length);
    if (count <= 0) return;
    const done = this.#taken.slice(0, count);
    this.#taken = this.#taken.slice(count);
    this.#first += count;
    for (const { channel, tag } of new Map(done.map((one) => [one.channel, one])).values()) {
      try {
        channel.ack({ fields: { deliveryTag: tag } } as ConsumeMessage, true);
      } catch {
        // The channel has closed: the broker redelivers the messages, and the log knows their ids.
      }
    }
  }
}
