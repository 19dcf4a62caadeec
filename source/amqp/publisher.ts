import type { AppendOutcome, EventLog } from '../../event-log/event-log.ts';
import { publish, type Publishable } from '../collector/publish.ts';
import { createWaker } from '../collector/waker.ts';
import type { Drop, MappedEvent } from '../mapper.ts';
import { messageOf, type BusMapper } from './bus-mapper.ts';
import type { Delivery } from './hand.ts';

export interface PublisherOptions {
  readonly mapper: BusMapper;
  readonly eventLog: Pick<EventLog, 'append' | 'partitions'>;
  /** How long the CREATE of a leg waits for its account, in milliseconds. */
  readonly holdMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** The log has all events of the messages below this number, or the mapper dropped them. */
  readonly onDone: (number: number) => void;
  /** The outcome of each message; null when it is forwarded. */
  readonly onRead: (drop: Drop | null) => void;
  /** Called for each attempt: a `failed` event is appended again. */
  readonly onOutcome: (outcome: AppendOutcome['outcome'], event: MappedEvent) => void;
}

interface Ready {
  readonly kind: 'event';
  readonly event: MappedEvent;
  /** Number of its message. */
  readonly message: number;
}

/**
 * Maps each message as it arrives, and appends its events. Reports a message once the log has all its events and those
 * of all earlier messages. An event that waits for its account in the mapper is not in the log yet (S5).
 */
export class Publisher implements Publishable<Ready> {
  readonly #options: PublisherOptions;
  readonly #waker = createWaker();
  /** In order; an append of the first `#sent` is running. */
  #ready: Ready[] = [];
  #sent = 0;
  #received = 0;
  #done = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  receive({ number, routingKey, body }: Delivery): void {
    const { mapper, now, onRead } = this.#options;
    this.#received = number;
    const { events, dropped } = mapper.feed({ routingKey, body }, now());
    onRead(dropped);
    this.#add(events);
    this.#waker.wake();
  }

  /** Appends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { eventLog, mapper, now, holdMs } = this.#options;
    // While no message arrives, nothing else ends a wait.
    const timer = setInterval(() => this.#add(mapper.advance(now())), Math.max(20, holdMs / 4));
    const stop = () => this.#waker.wake();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await publish({ endpoints: () => [this], eventLog, waker: this.#waker, signal });
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  next(): IterableIterator<Ready> {
    this.#report();
    return this.#ready.values();
  }

  take(batch: readonly Ready[]): void {
    this.#sent = batch.length;
  }

  settle(batch: readonly Ready[], outcomes: readonly AppendOutcome[]): void {
    const refused: Ready[] = [];
    for (const [index, one] of batch.entries()) {
      const outcome = outcomes[index]?.outcome ?? 'failed';
      this.#options.onOutcome(outcome, one.event);
      if (outcome === 'failed') refused.push(one);
    }
    this.#ready = [...refused, ...this.#ready.slice(this.#sent)];
    this.#sent = 0;
    this.#report();
  }

  #add(events: readonly MappedEvent[]): void {
    for (const event of events) this.#ready.push({ kind: 'event', event, message: messageOf(event.position) });
    if (events.length > 0) this.#waker.wake();
  }

  #report(): void {
    let below = Math.min(this.#received + 1, this.#options.mapper.heldFrom() ?? Infinity);
    for (const { message } of this.#ready) below = Math.min(below, message);
    if (below <= this.#done) return;
    this.#done = below;
    this.#options.onDone(below);
  }
}
