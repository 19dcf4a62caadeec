import { seedOf } from '../replica/rendezvous.ts';
import { eventFrames } from './event-frames.ts';
import type { Recipient } from './group-context.ts';
import { decodeGroupCursor } from './group-cursor.ts';
import type { AckOutcome, MemberOptions, Membership } from './groups.ts';
import type { Held } from './ledger.ts';
import type { PartitionWork } from './partition-work.ts';
import { Pinger } from './pinger.ts';

/** Writing pauses at this many bytes that the kernel has not taken. */
const HIGH_WATER = 1024 * 1024;
const NAMED = 10;

/** What a member needs of its group. */
export interface MemberGroup {
  readonly maxPending: number;
  /** Where an event of this partition is under way, if it still is. */
  workOf(partition: number): PartitionWork | undefined;
  /** The member can take more. */
  flows(): void;
  left(member: Member): void;
}

const OK: AckOutcome = { ok: true };
const IDLE: AckOutcome = { ok: true, isIdle: true };
const MOVED: AckOutcome = {
  ok: false,
  code: 'moved',
  detail: 'the acknowledgement could not be kept: the events may come again, with the same ids',
};

/** A connection of a group: what it was written and has not settled, and what it may be written next. */
export class Member implements Membership, Recipient {
  readonly seed: number;
  /** Like no other connection's of this process: also what its cursors are known by. */
  readonly number: number;
  readonly #group: MemberGroup;
  readonly #options: MemberOptions;
  readonly #pinger: Pinger | null;
  /** By event id, in the order in which they were written last. */
  readonly #inFlight = new Map<string, Held<Recipient>>();
  #deliveries = 0;
  /** Null until it was told where it stands: nothing is written before. */
  #standby: boolean | null = null;
  #isBlocked = false;
  load = 0;
  gone = false;

  constructor(number: number, group: MemberGroup, options: MemberOptions) {
    this.number = number;
    this.#group = group;
    this.#options = options;
    this.seed = seedOf(`member ${number}`);
    this.#pinger = options.acknowledges === 'pongs' ? new Pinger(options.ping) : null;
  }

  get standby(): boolean {
    return this.#standby ?? true;
  }

  get isPlaced(): boolean {
    return this.#standby !== null;
  }

  get pending(): number {
    return this.#inFlight.size;
  }

  get hasRoom(): boolean {
    return !this.#isBlocked && this.load < this.#group.maxPending;
  }

  tell(standby: boolean): void {
    if (standby === this.#standby || this.gone) return;
    this.#standby = standby;
    this.#options.onStandby(standby);
  }

  tellGap(...gap: Parameters<MemberOptions['onGap']>): void {
    if (!this.gone) this.#options.onGap(...gap);
  }

  /** Ends the membership from our side. */
  lose(reason: Parameters<MemberOptions['lost']>[0]): void {
    if (this.gone) return;
    this.leave();
    this.#options.lost(reason);
  }

  room(): { readonly events: number; readonly bytes: number } {
    const bytes = HIGH_WATER - this.#options.sink.queued;
    if (bytes <= 0) this.#waitForSocket();
    const isOpen = !this.gone && this.#standby !== null && !this.#isBlocked;
    return { events: isOpen ? this.#group.maxPending - this.#inFlight.size : 0, bytes };
  }

  deliver(batch: readonly Held<Recipient>[]): void {
    for (const held of batch) {
      held.delivery = this.#deliveries += 1;
      // Last in the map what was written last: cursors and pongs acknowledge from the front.
      this.#inFlight.delete(held.eventId);
      this.#inFlight.set(held.eventId, held);
    }
    const { format, sink } = this.#options;
    sink.write(eventFrames(batch, { format, membership: this.number }), null);
    this.#pinger?.wrote(this.#deliveries);
  }

  forget(held: Held<Recipient>): void {
    if (this.#inFlight.get(held.eventId) === held) this.#inFlight.delete(held.eventId);
  }

  async ack(what: string | readonly string[]): Promise<AckOutcome> {
    if (typeof what === 'string') {
      const delivery = decodeGroupCursor(what, this.number);
      if (delivery === null || delivery > this.#deliveries) return unknownCursor();
      const held = this.#upTo(delivery);
      return held.length === 0 ? IDLE : this.#acknowledge(held);
    }
    const known: Held<Recipient>[] = [];
    const unknown: string[] = [];
    for (const id of what) {
      const held = this.#take(id);
      if (held === null) unknown.push(id);
      else known.push(held);
    }
    const outcome = await this.#acknowledge(known);
    return unknown.length > 0 ? unknownIds(unknown) : outcome;
  }

  async nack(id: string, delayMs?: number): Promise<AckOutcome> {
    const held = this.#take(id);
    const work = held && this.#group.workOf(held.partition);
    if (!held || !work) return unknownIds([id]);
    return (await work.retry(held, 'refused by the consumer', delayMs)) ? OK : MOVED;
  }

  progress(id: string): AckOutcome {
    const held = this.#inFlight.get(id);
    if (held === undefined) return unknownIds([id]);
    return this.#group.workOf(held.partition)?.extend(held) === true ? OK : IDLE;
  }

  async term(id: string, reason = ''): Promise<AckOutcome> {
    const held = this.#take(id);
    const work = held && this.#group.workOf(held.partition);
    if (!held || !work) return unknownIds([id]);
    return (await work.bury(held, 'terminated', reason)) ? OK : MOVED;
  }

  pong(payload: Buffer): void {
    const delivery = this.#pinger?.answered(payload) ?? null;
    if (delivery !== null) this.#settle(this.#upTo(delivery));
  }

  leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.#pinger?.stop();
    this.#inFlight.clear();
    this.#group.left(this);
  }

  /** What was written up to this delivery; it is not with this connection any more. */
  #upTo(delivery: number): Held<Recipient>[] {
    const held: Held<Recipient>[] = [];
    for (const one of this.#inFlight.values()) {
      if (one.delivery > delivery) break;
      held.push(one);
    }
    for (const one of held) this.#inFlight.delete(one.eventId);
    return held;
  }

  #take(id: string): Held<Recipient> | null {
    const held = this.#inFlight.get(id);
    if (held === undefined) return null;
    this.#inFlight.delete(id);
    return held;
  }

  async #acknowledge(held: readonly Held<Recipient>[]): Promise<AckOutcome> {
    const works = this.#settle(held);
    if (works === null) return MOVED;
    const flushed = await Promise.all(Array.from(works, (work) => work.flushed()));
    return flushed.every(Boolean) ? OK : MOVED;
  }

  /** Null when one of them is not under way here any more. */
  #settle(held: readonly Held<Recipient>[]): Set<PartitionWork> | null {
    const works = new Set<PartitionWork>();
    let isHere = true;
    for (const one of held) {
      const work = this.#group.workOf(one.partition);
      if (work?.holds(one)) {
        work.acknowledge(one);
        works.add(work);
      } else isHere = false;
    }
    return isHere ? works : null;
  }

  #waitForSocket(): void {
    if (this.#isBlocked) return;
    this.#isBlocked = true;
    this.#options.sink.whenDrained(() => {
      this.#isBlocked = false;
      if (!this.gone) this.#group.flows();
    });
  }
}

function unknownIds(ids: readonly string[]): AckOutcome {
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : '';
  return {
    ok: false,
    code: 'unknown_id',
    detail: `not with this connection, or settled already: ${ids.slice(0, NAMED).join(', ')}${more}`,
  };
}

function unknownCursor(): AckOutcome {
  return { ok: false, code: 'unknown_cursor', detail: 'not a cursor of an event that this connection was sent' };
}
