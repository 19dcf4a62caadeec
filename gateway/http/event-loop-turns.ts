import { Lanes, type Work } from './lanes.ts';

/** A slice of work takes no more than this, but for its last piece. */
const SLICE_MS = 1;
/** Between two slices events are delivered, and nothing else that waits here. */
const PAUSE_MS = 1;
/** What waits in the slow lanes runs one piece at a time, this far apart. */
const SLOW_EVERY_MS = 10;
/** As much may wait in one slow lane: a second's worth when one address alone has any. */
const MOST_SLOW = 100;

/** Starts a turn of the event loop: at once, or after a wait in milliseconds. */
export type Schedule = (turn: () => void, waitMs: number) => void;

const schedule: Schedule = (turn, waitMs) => {
  if (waitMs <= 0) setImmediate(turn);
  else setTimeout(turn, waitMs);
};

/**
 * Runs what clients cause before they have a stream (TLS handshakes, requests), so that a crowd delays events by about a
 * millisecond: slices of a millisecond with pauses between them, in which lanes (addresses) take turns. What comes from a
 * lane with faults waits in a slow lane, of which a hundred pieces run in a second.
 */
export class Turns {
  readonly #now: () => number;
  readonly #schedule: Schedule;
  readonly #lanes = new Lanes();
  readonly #slow = new Lanes();
  #isScheduled = false;
  /** The earliest beginning of the next slice, and of the next slow piece. */
  #nextAt = Number.NEGATIVE_INFINITY;
  #nextSlowAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number = () => performance.now(), scheduled: Schedule = schedule) {
    this.#now = now;
    this.#schedule = scheduled;
  }

  run(lane: string, work: Work): void {
    this.#lanes.push(lane, work);
    this.#arrange();
  }

  /** False, and the work never runs, when the slow lane is full. */
  runSlowly(lane: string, work: Work): boolean {
    if (this.isFull(lane)) return false;
    this.#slow.push(lane, work);
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
    this.#schedule(() => this.#turn(), at - this.#now());
  }

  #turn(): void {
    this.#isScheduled = false;
    const start = this.#now();
    if (this.#slow.size > 0 && start >= this.#nextSlowAt) {
      this.#nextSlowAt = start + SLOW_EVERY_MS;
      // What its client gave up takes no turn from others.
      while (this.#slow.shift()?.() === false);
    }
    while (this.#lanes.size > 0 && this.#now() - start < SLICE_MS) this.#lanes.shift()?.();
    this.#nextAt = this.#now() + PAUSE_MS;
    this.#arrange();
  }
}
