import type { MappedEvent } from '../mapper.ts';
import { keep, type Kept, type RingBudget } from './kept.ts';
import { chooseVictims, type Surplus } from './overflow.ts';
import { MAX_HOLD_MS } from './intake.ts';
import { Queue } from './queue.ts';

/** One uninterrupted time in which this replica listened to a switch, and the received events that the log may lack. */
export interface Segment {
  readonly from: number;
  /** The start by Redis's clock, at the latest; fixed once it was first used. */
  beganAt: number | null;
  /** Null while the segment lasts. */
  to: number | null;
  readonly instance: string;
  /** The switch has kept everything since the log's last event, and delivered it here (ARIOutbound). */
  readonly isKept: boolean;
  /**
   * Changes from the listing at its start; emptied once it is known that another replica received the time before it.
   */
  adopted: readonly Kept[];
  /** Whether the log is, or will be, complete up to its start: no gap before it remains to be reported. */
  joined: boolean;
  readonly queue: Queue<Kept>;
}

export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** Events wait for an account by each replica's own clock: legs may be in a different order elsewhere. */
const HOLD_BACK_MS = MAX_HOLD_MS + 500;
/** When the log is away, segments beyond this number count as not having listened. */
const MAX_SEGMENTS = 16;

/**
 * What a replica received from one endpoint and does not know to be in the log, in order: its part of the ring. Times
 * are Unix milliseconds of the local clock.
 */
export class Tape {
  readonly #budget: RingBudget;
  #segments: Segment[] = [];
  /** Events of a running append. */
  #inFlight: ReadonlySet<Kept> = new Set();
  /** Legs whose CREATE was given up while they lasted: the log gets no event of them (S3). */
  readonly #lost = new Set<string>();
  /** Events given up since the last report. */
  #overflow: Interval | null = null;

  constructor(budget: RingBudget) {
    this.#budget = budget;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get length(): number {
    return this.#segments.reduce((sum, { queue }) => sum + queue.length, 0);
  }

  get bytes(): number {
    let bytes = 0;
    for (const { queue } of this.#segments) for (const one of queue) bytes += one.bytes;
    return bytes;
  }

  /** Begins a segment. The previous one must have ended. */
  begin(segment: {
    readonly from: number;
    readonly instance: string;
    /** By Redis's clock; null: the switch keeps no events. */
    readonly keptSince?: number | null;
    readonly adopted: readonly MappedEvent[];
  }): void {
    const { from, instance, keptSince: beganAt = null } = segment;
    const adopted = segment.adopted.map((event) => keep(event, from, 'adopted'));
    for (const one of adopted) this.#budget.add(one);
    const isKept = beganAt !== null;
    this.#segments.push({ from, beganAt, to: null, instance, isKept, adopted, joined: false, queue: new Queue() });
    if (this.#segments.length > MAX_SEGMENTS) this.#forget(this.#segments.shift());
  }

  push(event: MappedEvent, arrivedAt: number): void {
    if (this.#lost.size > 0 && this.#lost.has(event.callId)) {
      if (event.name === 'CHANNEL_DESTROY') this.#lost.delete(event.callId);
      return;
    }
    const kept = keep(event, arrivedAt);
    this.#segments.at(-1)?.queue.push(kept);
    this.#budget.add(kept);
  }

  end(at: number): void {
    const last = this.#segments.at(-1);
    if (last?.to === null) last.to = Math.max(at, last.from);
  }

  /** The time before this segment was received, or this is the first day: nothing more is reported of it. */
  join(segment: Segment): void {
    segment.joined = true;
    for (const one of segment.adopted) this.#budget.remove(one);
    segment.adopted = [];
  }

  /** Drops a mapper's events of legs that it did not know but that the log has. */
  dropKnown(segment: Segment, isKnown: (event: MappedEvent) => boolean): void {
    segment.queue.keep((one) => {
      const isDropped = one.kind === 'event' && one.event.synthetic !== null && isKnown(one.event);
      if (isDropped) this.#budget.remove(one);
      return !isDropped;
    });
  }

  /** No replica listened before this segment: the gap and the listing's changes come before its events. */
  tellGap(segment: Segment, before: readonly MappedEvent[], adopted: readonly MappedEvent[]): void {
    for (const one of segment.adopted) this.#budget.remove(one);
    segment.adopted = [];
    segment.joined = true;
    const first = [
      ...before.map((event) => keep(event, segment.from, 'gap')),
      ...adopted.map((event) => keep(event, segment.from, 'adopted')),
    ];
    for (const one of first) this.#budget.add(one);
    segment.queue.unshift(first);
  }

  /** Withdraws gaps and listings that are not in the log yet: another leader judges again. */
  untell(): void {
    for (const segment of this.#segments) {
      const said = [...segment.queue].filter(({ kind }) => kind !== 'event');
      if (said.length === 0) continue;
      for (const one of said) if (one.kind === 'gap') this.#budget.remove(one);
      segment.adopted = said.filter(({ kind }) => kind === 'adopted');
      segment.joined = false;
      segment.queue.keep(({ kind }) => kind === 'event');
    }
  }

  /** The next entries for the log, in order; a gap comes alone, so that the log has it before anything newer (S4). */
  *next(): IterableIterator<Kept> {
    for (const { joined, queue } of this.#segments) {
      if (!joined) return;
      for (const one of queue) yield one;
    }
  }

  /**
   * Until when the log has everything that was received, and in which life of the switch; `mapped` tells how far the
   * current segment is mapped. Null while unknown.
   */
  complete(mapped: number): { readonly until: number; readonly instance: string } | null {
    let complete = null;
    for (const { from, to, joined, instance, queue } of this.#segments) {
      const { first } = queue;
      if (!joined || (first !== undefined && first.kind !== 'event')) return complete;
      // A CREATE may have waited for its account.
      if (first !== undefined) return { until: Math.max(from, first.arrivedAt - MAX_HOLD_MS), instance };
      complete = { until: to ?? Math.max(from, mapped), instance };
    }
    return complete;
  }

  take(batch: readonly Kept[]): void {
    this.#inFlight = new Set(batch);
  }

  /** Ends the running append: refused entries remain, in order. */
  settle(refused: ReadonlySet<Kept>): void {
    const batch = this.#inFlight;
    this.#inFlight = new Set();
    for (const { queue } of this.#segments) {
      const back: Kept[] = [];
      for (let first = queue.first; first !== undefined && batch.has(first); first = queue.first) {
        queue.shift();
        if (refused.has(first)) back.push(first);
        else this.#budget.remove(first);
      }
      queue.unshift(back);
      if (queue.length > 0) break;
    }
  }

  /**
   * The log has everything up to the event `id`, everything received before `until`, and everything that arrived before
   * `safe` even if the replicas' clocks differ. Drops all of these. The event alone does not show that a segment which
   * has it misses nothing: its leader may still hold an earlier CREATE that waits for its account.
   */
  drop({ id, until, safe }: { readonly id: string; readonly until: number; readonly safe: number }): void {
    const found = id === '' ? null : this.#find(id);
    if (found !== null) {
      const passed = this.#segments.slice(0, this.#segments.indexOf(found.segment) + 1);
      for (const segment of passed) this.#dropBefore(segment, found.arrivedAt - HOLD_BACK_MS);
    }
    for (const segment of this.#segments) {
      if (segment.from <= until) this.join(segment);
      this.#dropBefore(segment, safe);
    }
    const isOver = ({ to, queue }: Segment) => to !== null && to <= until && queue.length === 0;
    this.#segments = this.#segments.filter((segment) => !isOver(segment));
  }

  /** Gives up events until this much room is free. */
  shed(surplus: Surplus): number {
    const events = this.#segments.flatMap(({ queue }) => [...queue]);
    const victims = chooseVictims(
      events.filter((one) => one.kind === 'event' && !this.#inFlight.has(one)),
      surplus,
    );
    for (const { queue } of this.#segments) queue.keep((one) => !victims.has(one));
    for (const one of victims) {
      this.#budget.remove(one);
      if (one.event.name === 'CHANNEL_CREATE') this.#lost.add(one.event.callId);
      if (one.event.name === 'CHANNEL_DESTROY') this.#lost.delete(one.event.callId);
      const { from, to } = this.#overflow ?? { from: one.arrivedAt, to: one.arrivedAt };
      this.#overflow = { from: Math.min(from, one.arrivedAt), to: Math.max(to, one.arrivedAt) };
    }
    return victims.size;
  }

  get overflow(): Interval | null {
    return this.#overflow;
  }

  /** Reported, or another replica has put that time into the log. */
  endOverflow(): void {
    this.#overflow = null;
  }

  clear(): void {
    for (const segment of this.#segments.splice(0)) this.#forget(segment);
  }

  #dropBefore({ queue }: Segment, time: number): void {
    for (let { first } = queue; first !== undefined && first.arrivedAt < time; { first } = queue) {
      queue.shift();
      this.#budget.remove(first);
    }
  }

  #find(id: string): { readonly segment: Segment; readonly arrivedAt: number } | null {
    for (const segment of this.#segments) {
      for (const { event, arrivedAt } of segment.queue) if (event.eventId === id) return { segment, arrivedAt };
    }
    return null;
  }

  #forget(segment: Segment | undefined): void {
    if (segment === undefined) return;
    for (const one of [...segment.adopted, ...segment.queue]) this.#budget.remove(one);
  }
}
