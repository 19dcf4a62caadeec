import { Lanes, type Stage, type Work } from './lanes.ts';

/** A slice of work takes no longer than this, except for its last piece. */
const SLICE_MS = 1;
/** Between two slices events are delivered, and no other waiting work of this queue runs. */
const PAUSE_MS = 1;
/** The pause lasts until the event loop was idle for this many times the duration of the slice. */
const IDLE_RATIO = 2;
/** A loop that is never idle runs a slice this often. */
const LONGEST_PAUSE_MS = 5;
/**
 * Waiting work of the slow lanes runs one piece at a time, this far apart: more than the longest pause, so that other
 * work also runs.
 */
const SLOW_EVERY_MS = 40;
/** Limit of one slow lane: a second's worth when only one address has any. */
const MOST_SLOW = 25;

/** The parts of the event loop that turns need. */
export interface EventLoop {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Milliseconds that the loop has been idle. */
  idleTime(): number;
  /** Starts a turn: at once, or after a wait in milliseconds. */
  schedule(turn: () => void, waitMs: number): void;
  /** Runs the work after the due callbacks of the present tick. */
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
 * Runs the work that clients cause before they have a stream (TLS handshakes, requests), so that many of them delay
 * events by only about a millisecond. Work runs in slices of a millisecond, in which lanes (addresses) take turns, with
 * pauses between them. A pause is long enough for the consequences of a slice (a login's later steps): it ends when the
 * loop has been idle. Work of a lane with faults waits in a slow lane, of which 25 pieces run in a second.
 */
export class Turns {
  readonly #loop: EventLoop;
  readonly #lanes = new Lanes();
  readonly #slow = new Lanes();
  #isScheduled = false;
  /** The earliest start of the next slice, and of the next slow piece. */
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

  /** Whether the slow lane has no room for more work of this lane. */
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
    // Work that its client abandoned takes no turn from others.
    while (this.#slow.shift()?.() === false);
    this.#loop.behind(() => this.#slice(start));
  }

  /**
   * Runs pieces until the slice is used up. Work that a piece leaves for the next tick (as a handshake does) counts as
   * part of it.
   */
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
