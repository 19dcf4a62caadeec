import type { SpanContext } from '@opentelemetry/api';
import type { EntryMeta } from '../../protocol/entry.ts';

/**
 * waiting: an earlier event of its call is not finished. ready: may be written. written: waits for its acknowledgement.
 * delayed: will be written again later. finishing: acknowledged or given up, but not yet recorded in Redis.
 */
type HeldState = 'waiting' | 'ready' | 'written' | 'delayed' | 'finishing' | 'finished';

/** A member as the ledger sees it. */
export interface Loaded {
  /** Unfinished events of the member, in all partitions: counted by the ledgers. */
  load: number;
}

/** State of a traced delivery, until the event is finished. */
interface DeliveryTrace {
  readonly delivered: SpanContext;
  /** When its end was requested: acknowledged, or given up. */
  endedAt: number;
}

/** An entry that was read for the group and is not finished. */
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
  /** Number of writes to a socket, by any replica. */
  attempts: number;
  /** Of these, deliveries to members that hung: they do not count against the event. */
  excused: number;
  /** Number of the member whose failure counted last; null before the first one that this replica saw. */
  failedAt: number | null;
  /** Whether failures of more than one member counted. */
  failedElsewhere: boolean;
  /** Time of the last write (monotonic). */
  writtenAt: number;
  /** Deadline for the acknowledgement (written), or time at which it is ready again (delayed). */
  dueAt: number;
  /** The number of its last delivery among those of its member. */
  delivery: number;
  /** Version of the account tree at the last decision about it. */
  scope: number;
  /** Of its last delivery, when that was traced. */
  trace: DeliveryTrace | null;
}

export type NewHeld = Pick<
  Held<never>,
  'partition' | 'id' | 'eventId' | 'metaLine' | 'meta' | 'data' | 'attempts' | 'excused' | 'scope'
>;

/** The unfinished events of one call, in order: the first may be with the member, the others wait. */
export interface Call<C extends Loaded> {
  readonly key: string;
  member: C;
  readonly queue: Held<C>[];
}

/**
 * The unfinished events of one partition of a group. Pure: it decides what may be written to which member, and when; it
 * does not read, write or time anything. The next event of a call is ready only when the one before it is finished
 * (I2).
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

  /** Events that a member has now. */
  get written(): number {
    return this.#written;
  }

  /** Not later than the earliest time at which `due` has a result. */
  get nextDue(): number {
    return this.#nextDue;
  }

  /** Members and calls with unfinished events: all 0 again when everything is finished (I10). */
  sizes(): { held: number; calls: number; lanes: number } {
    return { held: this.#held.size, calls: this.#calls.size, lanes: this.#ready.size };
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  /** Whether exactly this entry is still unfinished here. */
  holds(held: Held<C>): boolean {
    return this.#held.get(held.id) === held;
  }

  /** Entries come in the order of their ids. `choose` returns the member of a call without unfinished events. */
  add(entry: NewHeld, callKey: string, choose: (call: string) => C): Held<C> {
    let call = this.#calls.get(callKey);
    if (call === undefined) this.#calls.set(callKey, (call = { key: callKey, member: choose(callKey), queue: [] }));
    const held: Held<C> = {
      ...entry,
      call,
      state: 'waiting',
      failedAt: null,
      failedElsewhere: false,
      writtenAt: 0,
      dueAt: 0,
      delivery: 0,
      trace: null,
    };
    this.#held.set(held.id, held);
    call.queue.push(held);
    call.member.load += 1;
    if (call.queue.length === 1) this.#makeReady(held);
    return held;
  }

  /** Members to which something may be written now. */
  members(): Iterable<C> {
    return this.#ready.keys();
  }

  /** Takes what may be written to this member, each event of another call: at most `events`, and about `bytes`. */
  take(member: C, limit: { readonly events: number; readonly bytes: number }): Held<C>[] {
    const lane = this.#ready.get(member);
    if (lane === undefined || limit.events <= 0) return [];
    let events = 0;
    for (let bytes = 0; events < lane.length && events < limit.events && bytes < limit.bytes; events += 1)
      bytes += lane[events]?.data.length ?? 0;
    if (events < lane.length) return lane.splice(0, events);
    this.#ready.delete(member);
    return lane;
  }

  /** The event was passed to its member's socket. */
  write(held: Held<C>, now: number, dueAt: number): void {
    held.state = 'written';
    held.attempts += 1;
    held.writtenAt = now;
    this.#written += 1;
    this.#waitUntil(held, dueAt);
  }

  /** Its member still handles the event. */
  extend(held: Held<C>, dueAt: number): void {
    held.dueAt = dueAt;
  }

  /** The event is written again at `dueAt`, and no event of its call before it. */
  delay(held: Held<C>, dueAt: number): void {
    this.#leaveWritten(held);
    held.state = 'delayed';
    this.#waitUntil(held, dueAt);
  }

  /** The event is acknowledged or given up. It stays here until Redis has recorded that: then `remove` it. */
  finish(held: Held<C>): void {
    this.#leaveWritten(held);
    held.state = 'finishing';
  }

  /** Redis has recorded it: the next event of the call may be written. */
  remove(held: Held<C>): void {
    if (!this.holds(held)) return;
    this.#held.delete(held.id);
    held.state = 'finished';
    const { queue, key, member } = held.call;
    member.load -= 1;
    if (queue[0] === held) queue.shift();
    else queue.splice(queue.indexOf(held), 1);
    const next = queue[0];
    if (next === undefined) this.#calls.delete(key);
    else if (next.state === 'waiting') this.#makeReady(next);
  }

  /** Makes delayed events ready that are due, and returns the written ones that were not acknowledged in time. */
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
   * A member is gone: its calls go to others, in order. Returns the events that had been written to it; the caller
   * decides about those.
   */
  release(member: C, choose: (call: string) => C): Held<C>[] {
    const written: Held<C>[] = [];
    this.#ready.delete(member);
    for (const call of this.#callsOf(member)) {
      const [first] = call.queue;
      this.#move(call, choose(call.key));
      if (first?.state === 'written') written.push(first);
    }
    return written;
  }

  /** A member hangs: its calls go to others, except those whose first event it has and is not overdue yet. */
  moveIdleCalls(member: C, choose: (call: string) => C | null): void {
    this.#ready.delete(member);
    for (const call of this.#callsOf(member)) {
      const [first] = call.queue;
      const to = first?.state === 'written' ? null : choose(call.key);
      if (to !== null && to !== member) this.#move(call, to);
      else if (first?.state === 'ready') this.#makeReady(first);
    }
  }

  /** The call of this event goes to another member, with all its unfinished events. */
  moveCall(held: Held<C>, to: C): void {
    this.#move(held.call, to);
  }

  /** The event was written, and its member is gone or hangs: it goes to the next member at once. */
  again(held: Held<C>): void {
    this.#leaveWritten(held);
    this.#makeReady(held);
  }

  /** Drops everything, because another replica reads the partition now. Returns the events that members have. */
  clear(): Held<C>[] {
    const written = [...this.#held.values()].filter((held) => held.state === 'written');
    for (const { member, queue } of this.#calls.values()) member.load -= queue.length;
    this.#held.clear();
    this.#calls.clear();
    this.#ready.clear();
    this.#nextDue = Number.POSITIVE_INFINITY;
    this.#written = 0;
    return written;
  }

  #callsOf(member: C): Call<C>[] {
    return [...this.#calls.values()].filter((call) => call.member === member);
  }

  #move(call: Call<C>, to: C): void {
    const from = call.member;
    if (from === to) return;
    const [first] = call.queue;
    from.load -= call.queue.length;
    to.load += call.queue.length;
    call.member = to;
    if (first?.state !== 'ready') return;
    const lane = this.#ready.get(from)?.filter((held) => held !== first) ?? [];
    if (lane.length === 0) this.#ready.delete(from);
    else this.#ready.set(from, lane);
    this.#makeReady(first);
  }

  #makeReady(held: Held<C>): void {
    held.state = 'ready';
    const { member } = held.call;
    const lane = this.#ready.get(member);
    if (lane === undefined) this.#ready.set(member, [held]);
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
