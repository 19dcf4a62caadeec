import { unlessAborted } from '../../runtime/lifecycle/aborted.ts';
import { setTimeout as delay } from 'node:timers/promises';
import type { AppendOutcome, EventLog } from '../../event-log/event-log.ts';
import type { Drop, MappedEvent } from '../mapper.ts';
import { messageOf, type BusMapper } from './bus-mapper.ts';
import { newEvent } from '../new-event.ts';
import type { Delivery } from './hand.ts';

export interface PublisherOptions {
  readonly mapper: BusMapper;
  readonly eventLog: Pick<EventLog, 'append'>;
  /** How long a leg's beginning waits for its account. Milliseconds. */
  readonly holdMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** The log has everything of the messages below this number, or they were dropped. */
  readonly onDone: (number: number) => void;
  /** Each message; null: it is forwarded. */
  readonly onRead: (drop: Drop | null) => void;
  /** Counted at each attempt: `failed` is tried again. */
  readonly onOutcome: (outcome: AppendOutcome['outcome'], events: readonly MappedEvent[]) => void;
}

const MAX_BATCH = 500;
const RETRY_MS = { first: 50, most: 1_000 };

/**
 * From messages to the log: maps each one as it comes, appends the events in order, and reports a message once nothing of
 * it is missing, nor of any before it: an event that waits for its account in the mapper counts as missing (S5).
 */
export class Publisher {
  readonly #options: PublisherOptions;
  #ready: MappedEvent[] = [];
  #taken = 0;
  #done = 0;
  #wake: (() => void) | null = null;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  take({ number, routingKey, body }: Delivery): void {
    const { mapper, now, onRead } = this.#options;
    this.#taken = number;
    const { events, dropped } = mapper.feed({ routingKey, body }, now());
    onRead(dropped);
    for (const event of events) this.#ready.push(event);
    this.#wake?.();
  }

  /** Appends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { mapper, now } = this.#options;
    while (!signal.aborted) {
      if (this.#ready.length === 0) {
        this.#report();
        await this.#something(signal);
        // While no message comes, nothing else ends a wait.
        for (const event of mapper.advance(now())) this.#ready.push(event);
        continue;
      }
      const batch = this.#ready.slice(0, MAX_BATCH);
      if (!(await this.#append(batch, signal))) return;
      this.#ready = this.#ready.slice(batch.length);
      this.#report();
    }
  }

  /** Appends what the log refuses again, in order; false when the signal aborts. */
  async #append(batch: readonly MappedEvent[], signal: AbortSignal): Promise<boolean> {
    let rest = batch;
    let wait = RETRY_MS.first;
    for (;;) {
      const outcomes = await unlessAborted(this.#options.eventLog.append(rest.map(newEvent)), signal);
      if (outcomes === null) return false;
      for (const kind of ['accepted', 'duplicate', 'failed'] as const) {
        const events = rest.filter((_, index) => outcomes[index]?.outcome === kind);
        if (events.length > 0) this.#options.onOutcome(kind, events);
      }
      const refused = rest.filter((_, index) => outcomes[index]?.outcome === 'failed');
      if (refused.length === 0) return true;
      wait = refused.length < rest.length ? RETRY_MS.first : Math.min(wait * 2, RETRY_MS.most);
      rest = refused;
      await delay(wait, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return false;
    }
  }

  #report(): void {
    let below = Math.min(this.#taken + 1, this.#options.mapper.heldFrom() ?? Infinity);
    for (const { position } of this.#ready) below = Math.min(below, messageOf(position));
    if (below <= this.#done) return;
    this.#done = below;
    this.#options.onDone(below);
  }

  /** Resolves with the next message, at the end of the longest wait for an account, or when the signal aborts. */
  async #something(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const stop = () => resolve();
    const isHeld = this.#options.mapper.heldFrom() !== null;
    const timer = isHeld ? setTimeout(stop, Math.max(1, this.#options.holdMs / 4)) : undefined;
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await promise;
    signal.removeEventListener('abort', stop);
    clearTimeout(timer);
    this.#wake = null;
  }
}
