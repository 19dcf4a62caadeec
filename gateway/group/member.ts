import type { Position } from '../../protocol/position.ts';
import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import { seedOf } from '../replica/rendezvous.ts';
import { eventFrames } from './event-frames.ts';
import { ToldGaps } from './expected-gaps.ts';
import type { GroupMember, MemberGroup, JoinedMember } from './group-context.ts';
import { decodeGroupCursor } from './group-cursor.ts';
import type { AckOutcome, MemberOptions, Membership } from './groups.ts';
import type { Held } from './ledger.ts';
import type { PartitionWork } from './partition-work.ts';
import { Pinger } from './pinger.ts';

/** Writing pauses at this many bytes that the peer has not taken. */
const HIGH_WATER = 1024 * 1024;
const NAMED = 10;
/** Most gaps of sources kept for a member that does not know yet whether it is on standby; the oldest are dropped. */
const MOST_UNTOLD = 100;

const OK: AckOutcome = { ok: true };
const IDLE: AckOutcome = { ok: true, isIdle: true };
const MOVED: AckOutcome = {
  ok: false,
  code: 'moved',
  detail: 'the acknowledgement could not be kept: the events may come again, with the same ids',
};

/** A connection of a group: its written and unfinished events, and what may be written to it next. */
export class Member implements Membership, JoinedMember {
  readonly seed: number;
  /** Unique among the members of this process; its cursors contain it. */
  readonly number: number;
  readonly #group: MemberGroup;
  readonly #options: MemberOptions;
  readonly #pinger: Pinger | null;
  /** By event id, in the order of the last write. */
  readonly #inFlight = new Map<string, Held<GroupMember>>();
  /** Ids that were taken back because they were overdue: a late acknowledgement is a sign of life. */
  readonly #overdue = new Set<string>();
  #deliveries = 0;
  /** When it last acknowledged, refused or reported progress on an event (monotonic). */
  #activeAt = Number.NEGATIVE_INFINITY;
  #isHung = false;
  /** Null until its client knows whether it is on standby: nothing is written before. */
  #standby: boolean | null = null;
  #isBlocked = false;
  #untold: SourceGapNotice[] = [];
  /** Created with the first gap: most connections get none. */
  #toldGaps: ToldGaps | null = null;
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

  /**
   * Whether an `ackWait` passed without it finishing anything since the event was written; false again once it finishes
   * something.
   */
  get isHung(): boolean {
    return this.#isHung;
  }

  get hasRoom(): boolean {
    return !this.#isBlocked && this.load < this.#group.maxPending;
  }

  tell(standby: boolean, position: Position | null): void {
    if (standby === this.#standby || this.gone) return;
    this.#standby = standby;
    this.#options.onStandby(standby, position);
    for (const notice of this.#untold.splice(0)) this.#options.onSourceGap(notice);
  }

  tellGap(...gap: Parameters<MemberOptions['onGap']>): void {
    if (!this.gone) this.#options.onGap(...gap);
  }

  /** Called once, and not before the greeting. */
  tellSourceGap(notice: SourceGapNotice): void {
    if (this.gone || !(this.#toldGaps ??= new ToldGaps()).isNew(notice)) return;
    if (this.#standby !== null) return this.#options.onSourceGap(notice);
    this.#untold.push(notice);
    if (this.#untold.length > MOST_UNTOLD) this.#untold.shift();
  }

  /** Ends the membership from the gateway's side. */
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

  deliver(batch: readonly Held<GroupMember>[]): void {
    for (const held of batch) {
      held.delivery = this.#deliveries += 1;
      // The last written event is last in the map: cursors and pongs acknowledge from the front.
      this.#inFlight.delete(held.eventId);
      this.#inFlight.set(held.eventId, held);
    }
    const { format, privacy, sink } = this.#options;
    sink.write(eventFrames(batch, { format, privacy: privacy(), membership: this.number }), null);
    this.#pinger?.wrote(this.#deliveries);
  }

  forget(held: Held<GroupMember>): void {
    if (this.#inFlight.get(held.eventId) === held) this.#inFlight.delete(held.eventId);
  }

  missed(held: Held<GroupMember>): boolean {
    this.#overdue.add(held.eventId);
    if (this.#overdue.size > this.#group.maxPending) {
      const [oldest = ''] = this.#overdue;
      this.#overdue.delete(oldest);
    }
    this.#isHung ||= this.#activeAt < held.writtenAt;
    return this.#isHung;
  }

  async ack(what: string | readonly string[]): Promise<AckOutcome> {
    if (typeof what === 'string') {
      const delivery = decodeGroupCursor(what, this.number);
      if (delivery === null || delivery > this.#deliveries) return unknownCursor();
      this.#lives();
      const held = this.#upTo(delivery);
      return held.length === 0 ? IDLE : this.#acknowledge(held);
    }
    const known: Held<GroupMember>[] = [];
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
    return (await work.refuse(held, delayMs)) ? OK : MOVED;
  }

  progress(id: string): AckOutcome {
    const held = this.#inFlight.get(id);
    this.#livesBy(id, held);
    if (held === undefined) return unknownIds([id]);
    return this.#group.workOf(held.partition)?.extend(held) === true ? OK : IDLE;
  }

  async term(id: string, reason = ''): Promise<AckOutcome> {
    const held = this.#take(id);
    const work = held && this.#group.workOf(held.partition);
    if (!held || !work) return unknownIds([id]);
    return (await work.giveUp(held, 'terminated', reason)) ? OK : MOVED;
  }

  pong(payload: Buffer): void {
    const delivery = this.#pinger?.answered(payload) ?? null;
    if (delivery === null) return;
    this.#lives();
    this.#finish(this.#upTo(delivery));
  }

  leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.#pinger?.stop();
    this.#inFlight.clear();
    this.#overdue.clear();
    this.#group.left(this);
  }

  /** Removes and returns the events that were written up to this delivery. */
  #upTo(delivery: number): Held<GroupMember>[] {
    const held: Held<GroupMember>[] = [];
    for (const one of this.#inFlight.values()) {
      if (one.delivery > delivery) break;
      held.push(one);
    }
    for (const one of held) this.#inFlight.delete(one.eventId);
    return held;
  }

  #take(id: string): Held<GroupMember> | null {
    const held = this.#inFlight.get(id);
    this.#livesBy(id, held);
    if (held === undefined) return null;
    this.#inFlight.delete(id);
    return held;
  }

  #livesBy(id: string, held: Held<GroupMember> | undefined): void {
    if (held !== undefined || this.#overdue.delete(id)) this.#lives();
  }

  /** It is alive: its events count from now on, and it gets new calls again. */
  #lives(): void {
    this.#activeAt = performance.now();
    if (!this.#isHung) return;
    this.#isHung = false;
    this.#group.flows();
  }

  async #acknowledge(held: readonly Held<GroupMember>[]): Promise<AckOutcome> {
    const works = this.#finish(held);
    if (works === null) return MOVED;
    const flushed = await Promise.all(Array.from(works, (work) => work.flushed()));
    return flushed.every(Boolean) ? OK : MOVED;
  }

  /** Null when one of them is finished or unknown here. */
  #finish(held: readonly Held<GroupMember>[]): Set<PartitionWork> | null {
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
    detail: `not with this connection, or finished already: ${ids.slice(0, NAMED).join(', ')}${more}`,
  };
}

function unknownCursor(): AckOutcome {
  return { ok: false, code: 'unknown_cursor', detail: 'not a cursor of an event that this connection was sent' };
}
