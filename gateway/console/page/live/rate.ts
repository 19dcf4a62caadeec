const SECONDS = 60;

/** Events by the second of the last minute. */
export class Rate {
  readonly #counts = Array.from({ length: SECONDS }, () => 0);
  #second = 0;

  add(now: number): void {
    this.#advance(now);
    const at = this.#second % SECONDS;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** The oldest second first; the one that runs is left out. */
  history(now: number): readonly number[] {
    this.#advance(now);
    return Array.from({ length: SECONDS - 1 }, (_, i) => this.#counts[(this.#second + 1 + i) % SECONDS] ?? 0);
  }

  /** Events a second, over the last five. */
  recent(now: number): number {
    const last = this.history(now).slice(-5);
    return last.reduce((sum, count) => sum + count, 0) / last.length;
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1_000);
    for (let at = Math.max(this.#second + 1, second - SECONDS + 1); at <= second; at += 1)
      this.#counts[at % SECONDS] = 0;
    this.#second = second;
  }
}
