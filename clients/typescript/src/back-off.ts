const FIRST_MS = 100;
const LONGEST_MS = 30_000;
/** A connection that lived this long was a good one. */
const STABLE_MS = 10_000;

/**
 * Delay before the next attempt (L2): full jitter, doubling from 0.1 s to 30 s. `random` returns a number in [0, 1).
 */
export class BackOff {
  #failures = 0;
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Milliseconds. `atLeast` is the gateway's minimum; jitter is added to it. */
  next(atLeast = 0): number {
    const ceiling = Math.min(FIRST_MS * 2 ** this.#failures, LONGEST_MS);
    this.#failures = Math.min(this.#failures + 1, 16);
    return Math.round(atLeast + this.#random() * Math.max(ceiling, atLeast / 4));
  }

  /** Records that a connection ended after this many milliseconds. */
  lived(milliseconds: number): void {
    if (milliseconds >= STABLE_MS) this.#failures = 0;
  }
}
