import type { Counted } from './counters.ts';

/** Most counters in memory; beyond it the one that began first is dropped. */
const MOST = 100_000;
/**
 * Expired counters are removed when there are twice as many counters as after the last removal, but not below this
 * number.
 */
const FIRST_SWEEP = 1_000;
const NONE: Counted = { count: 0, leftMs: 0 };

/** Counters of this process. `now` in milliseconds of a monotonic clock. */
export class MemoryCounter {
  readonly #counters = new Map<string, { count: number; readonly end: number }>();
  readonly #most: number;
  #sweepAt = FIRST_SWEEP;

  constructor(most: number = MOST) {
    this.#most = most;
  }

  get size(): number {
    return this.#counters.size;
  }

  see(key: string, now: number): Counted {
    const counter = this.#counters.get(key);
    return counter === undefined || counter.end <= now ? NONE : { count: counter.count, leftMs: counter.end - now };
  }

  add(key: string, { by, lastsS }: { readonly by: number; readonly lastsS: number }, now: number): Counted {
    const counter = this.#counters.get(key);
    if (counter !== undefined && counter.end > now) counter.count += by;
    else if (by > 0) this.#begin(key, { count: by, end: now + lastsS * 1_000 }, now);
    return this.see(key, now);
  }

  put(key: string, lastsS: number, now: number): void {
    this.#begin(key, { count: 1, end: now + lastsS * 1_000 }, now);
  }

  drop(key: string): void {
    this.#counters.delete(key);
  }

  #begin(key: string, counter: { count: number; readonly end: number }, now: number): void {
    this.#counters.delete(key);
    this.#counters.set(key, counter);
    if (this.#counters.size >= this.#sweepAt) this.#sweep(now);
    const [oldest] = this.#counters.keys();
    if (this.#counters.size > this.#most && oldest !== undefined) this.#counters.delete(oldest);
  }

  #sweep(now: number): void {
    for (const [key, { end }] of this.#counters) if (end <= now) this.#counters.delete(key);
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#counters.size);
  }
}
