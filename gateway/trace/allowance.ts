/** At most this many in each second, whatever producers request. `now` in milliseconds of any clock. */
export class Allowance {
  readonly #most: number;
  #second = Number.NEGATIVE_INFINITY;
  #left = 0;

  constructor(most: number) {
    this.#most = most;
  }

  take(now: number): boolean {
    if (now - this.#second >= 1_000) {
      this.#second = now;
      this.#left = this.#most;
    }
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}
