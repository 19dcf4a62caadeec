import { Lanes, type Stage, type Work } from './lanes.ts';

/** A slice of work takes no more than this, but for its last piece. */
const SLICE_MS = 1;
/** Between two slices events are delivered, and nothing else that waits here. */
const PAUSE_MS = 1;
/** The pause lasts until the event loop was idle for this many times as long as the slice took. */
const IDLE_RATIO = 2;
/** A loop that is never idle runs a slice as often as this. */
const LONGEST_PAUSE_MS = 5;
/** What waits in the slow lanes runs one piece at a time, this far apart: more than the longest pause, so that others run too. */
const SLOW_EVERY_MS = 40;
/** As much may wait in one slow lane: a second's worth when one address alone has any. */
const MOST_SLOW = 25;

/** The event loop, as far as turns need it. */
export interface EventLoop {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Milliseconds that the loop has spent waiting for something to do. */
  idleTime(): number;
  /** Starts a turn: at once, or after a wait in milliseconds. */
  schedule(turn: () => void, waitMs: number): void;
  /** Runs the work behind what is due in the present tick. */
  behind(work: () => void): void;
}

const EVENT_LOOP: EventLoop = {
  now: () => performance.now(),
  idleTime: () => performance.nodeTiming.idleTime,
  schedule(turn, waitMs) {
    if (waitMs <= 0) setImmediate(turn);
    else setTimeout(turn, waitMs);
  },
  behind: (work) => process.nextTick(work),
};

/**
 * Runs what clients cause before they have a stream (TLS handshakes, requests), so that a crowd delays events by about a
 * millisecond: slices of a millisecond, in which lanes (addresses) take turns, with pauses between them. A pause is long
 * enough for what a slice leads to (a login's later steps): it ends when the loop has been idle. What comes from a lane
 * with faults waits in a slow lane, of which 25 pieces run in a second.
 */
export class Turns {
  readonly #loop: EventLoop;
  readonly #lanes = new Lanes();
  readonly #slow = new Lanes();
  #isScheduled = false;
  /** The earliest beginning of the next slice, and of the next slow piece. */
  #nextAt = Number.NEGATIVE_INFINITY;
  #nextSlowAt = Number.NEGATIVE_INFINITY;
  /** The next slice begins at this idle time of the loop, or at the latest at this time. */
  #idleUntil = Number.NEGATIVE_INFINITY;
  #latestAt = Number.NEGATIVE_INFINITY;

  constructor(loop: EventLoop = EVENT_LOOP) {
    this.#loop = loop;
  }

  run(lane: string, stage: Stage, work: Work): void {
    this.#lanes.push(lane, stage, work);
    this.#arrange();
  }

  /** False, and the work never runs, when the slow lane is full. */
  runSlowly(lane: string, work: Work): boolean {
    if (this.isFull(lane)) return false;
    this.#slow.push(lane, 'begin', work);
    this.#arrange();
    return true;
  }

  /** Whether no more work of this lane may wait to run slowly. */
  isFull(lane: string): boolean {
    return this.#slow.lengthOf(lane) >= MOST_SLOW;
  }

  #arrange(): void {
    if (this.#isScheduled || this.#lanes.size + this.#slow.size === 0) return;
    this.#isScheduled = true;
    const at = this.#lanes.size > 0 ? this.#nextAt : Math.max(this.#nextAt, this.#nextSlowAt);
    this.#loop.schedule(() => this.#turn(), at - this.#loop.now());
  }

  #turn(): void {
    const start = this.#loop.now();
    if (start < this.#latestAt && this.#loop.idleTime() < this.#idleUntil) {
      this.#isScheduled = false;
      this.#nextAt = start + PAUSE_MS;
      return this.#arrange();
    }
    if (this.#slow.size === 0 || start < this.#nextSlowAt) return this.#slice(start);
    this.#nextSlowAt = start + SLOW_EVERY_MS;
    // What its client gave up takes no turn from others.
    while (this.#slow.shift()?.() === false);
    this.#loop.behind(() => this.#slice(start));
  }

  /** Pieces, until the slice is used up. What a piece leaves for the next tick (a handshake does) is a part of it. */
  #slice(start: number): void {
    if (this.#lanes.size > 0 && this.#loop.now() - start < SLICE_MS) {
      this.#lanes.shift()?.();
      return this.#loop.behind(() => this.#slice(start));
    }
    const end = this.#loop.now();
    this.#nextAt = end + PAUSE_MS;
    this.#latestAt = end + LONGEST_PAUSE_MS;
    this.#idleUntil = this.#loop.idleTime() + IDLE_RATIO * (end - start);
    this.#isScheduled = false;
    this.#arrange();
  }
}
