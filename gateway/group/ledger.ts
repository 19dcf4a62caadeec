import type { SpanContext } from '@opentelemetry/api';
import type { EntryMeta } from '../../protocol/entry.ts';

/**
 * waiting: an earlier event of its call is not settled. ready: may be written. written: waits for its acknowledgement.
 * delayed: is written again later. settling: acknowledged or given up, until Redis has it.
 */
export type HeldState = 'waiting' | 'ready' | 'written' | 'delayed' | 'settling' | 'settled';

/** Who gets events. */
export interface Loaded {
  /** Events under way for it, in all partitions: kept by the ledgers. */
  load: number;
}

/** What is kept of a delivery that was traced, until it is settled. */
export interface DeliveryTrace {
  readonly delivered: SpanContext;
  /** When its end was asked for: acknowledged, or given up. */
  endedAt: number;
}

/** An entry that was read for the group and is not settled. */
export interface Held<C extends Loaded> {
  readonly partition: number;
  /** The entry's id in its stream. */
  readonly id: string;
  /** The event's id: what clients acknowledge. */
  readonly eventId: string;
  readonly call: Call<C>;
  readonly metaLine: string;
  readonly meta: EntryMeta;
  readonly data: Buffer;
  state: HeldState;
  /** Times it was written to a socket, by any replica. */
  attempts: number;
  /** When it must be acknowledged (written), or is ready again (delayed). */
  dueAt: number;
  /** Which of its connection's deliveries it was, last. */
  delivery: number;
  lastError: string;
  /** Version of the account tree under which it was last judged. */
  scope: number;
  /** Of its last delivery, when that was traced. */
  trace: DeliveryTrace | null;
}

export type NewHeld = Omit<Held<never>, 'call' | 'state' | 'dueAt' | 'delivery' | 'lastError' | 'trace'>;

/** The events of one call that are not settled, in order: the first may be with the connection, the others wait. */
export interface Call<C extends Loaded> {
  readonly key: string;
  consumer: C;
  readonly queue: Held<C>[];
}

/**
 * What one partition of a group has under way. Pure: it says what may be written to whom, and when; nothing is read,
 * written or timed here. The next event of a call is ready only when the one before it is settled (I2).
 */
export class Ledger<C extends Loaded> {
  readonly #held = new Map<string, Held<C>>();
  readonly #calls = new Map<string, Call<C>>();
  readonly #ready = new Map<C, Held<C>[]>();
  #nextDue = Number.POSITIVE_INFINITY;
  #written = 0;

  get size(): number {
    return this.#held.size;
  }

  /** Events that are with a connection now. */
  get written(): number {
    return this.#written;
  }

  /** Not later than the earliest time at which `due` has something to say. */
  get nextDue(): number {
    return this.#nextDue;
  }

  /** Connections and calls under way: all 0 again when everything is settled (I10). */
  sizes(): { held: number; calls: number; lanes: number } {
    return { held: this.#held.size, calls: this.#calls.size, lanes: this.#ready.size };
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  /** Whether this very entry is still under way here. */
  holds(held: Held<C>): boolean {
    return this.#held.get(held.id) === held;
  }

  /** Entries come in the order of their ids. `choose` says who gets a call that has nothing under way. */
  add(entry: NewHeld, callKey: string, choose: (call: string) => C): Held<C> {
    let call = this.#calls.get(callKey);
    if (call === undefined) this.#calls.set(callKey, (call = { key: callKey, consumer: choose(callKey), queue: [] }));
    const held: Held<C> = { ...entry, call, state: 'waiting', dueAt: 0, delivery: 0, lastError: '', trace: null };
    this.#held.set(held.id, held);
    call.queue.push(held);
    call.consumer.load += 1;
    if (call.queue.length === 1) this.#makeReady(held);
    return held;
  }

  /** Connections for which something may be written now. */
  consumers(): Iterable<C> {
    return this.#ready.keys();
  }

  /** Takes what may be written to this connection, each of another call: up to so many events, and about so many bytes. */
  take(consumer: C, limit: { readonly events: number; readonly bytes: number }): Held<C>[] {
    const lane = this.#ready.get(consumer);
    if (lane === undefined || limit.events <= 0) return [];
    let events = 0;
    for (let bytes = 0; events < lane.length && events < limit.events && bytes < limit.bytes; events += 1)
      bytes += lane[events]?.data.length ?? 0;
    if (events < lane.length) return lane.splice(0, events);
    this.#ready.delete(consumer);
    return lane;
  }

  /** It was handed to its connection's socket. */
  write(held: Held<C>, dueAt: number): void {
    held.state = 'written';
    held.attempts += 1;
    this.#written += 1;
    this.#waitUntil(held, dueAt);
  }

  /** Its connection is still at work on it. */
  extend(held: Held<C>, dueAt: number): void {
    held.dueAt = dueAt;
  }

  /** It is written again at `dueAt`, and no event of its call before it. */
  delay(held: Held<C>, dueAt: number): void {
    this.#leaveWritten(held);
    held.state = 'delayed';
    this.#waitUntil(held, dueAt);
  }

  /** It is done with, once Redis says so too. */
  settle(held: Held<C>): void {
    this.#leaveWritten(held);
    held.state = 'settling';
  }

  /** Redis has it: the next event of the call may be written. */
  settled(held: Held<C>): void {
    if (!this.holds(held)) return;
    this.#held.delete(held.id);
    held.state = 'settled';
    const { queue, key, consumer } = held.call;
    consumer.load -= 1;
    if (queue[0] === held) queue.shift();
    else queue.splice(queue.indexOf(held), 1);
    const next = queue[0];
    if (next === undefined) this.#calls.delete(key);
    else if (next.state === 'waiting') this.#makeReady(next);
  }

  /** Makes ready what is due again, and gives back what was written and not acknowledged in time. */
  due(now: number): Held<C>[] {
    if (now < this.#nextDue) return [];
    const overdue: Held<C>[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const held of this.#held.values()) {
      if (held.state !== 'written' && held.state !== 'delayed') continue;
      if (held.dueAt > now) next = Math.min(next, held.dueAt);
      else if (held.state === 'delayed') this.#makeReady(held);
      else overdue.push(held);
    }
    this.#nextDue = next;
    return overdue;
  }

  /**
   * A connection is gone: its calls go to others, in order. Gives back what it had been written; the caller says what
   * becomes of that.
   */
  release(consumer: C, choose: (call: string) => C): Held<C>[] {
    const written: Held<C>[] = [];
    this.#ready.delete(consumer);
    for (const call of this.#calls.values()) {
      if (call.consumer !== consumer) continue;
      consumer.load -= call.queue.length;
      call.consumer = choose(call.key);
      call.consumer.load += call.queue.length;
      const first = call.queue[0];
      if (first?.state === 'ready') this.#makeReady(first);
      else if (first?.state === 'written') written.push(first);
    }
    return written;
  }

  /** It was written, and its connection is gone: it goes to the next one at once. */
  again(held: Held<C>): void {
    this.#leaveWritten(held);
    this.#makeReady(held);
  }

  /** Forgets everything, as another replica reads the partition now; what was with connections is given back. */
  clear(): Held<C>[] {
    const written = [...this.#held.values()].filter((held) => held.state === 'written');
    for (const { consumer, queue } of this.#calls.values()) consumer.load -= queue.length;
    this.#held.clear();
    this.#calls.clear();
    this.#ready.clear();
    this.#nextDue = Number.POSITIVE_INFINITY;
    this.#written = 0;
    return written;
  }

  #makeReady(held: Held<C>): void {
    held.state = 'ready';
    const lane = this.#ready.get(held.call.consumer);
    if (lane === undefined) this.#ready.set(held.call.consumer, [held]);
    else lane.push(held);
  }

  #leaveWritten(held: Held<C>): void {
    if (held.state === 'written') this.#written -= 1;
  }

  #waitUntil(held: Held<C>, dueAt: number): void {
    held.dueAt = dueAt;
    this.#nextDue = Math.min(this.#nextDue, dueAt);
  }
}
