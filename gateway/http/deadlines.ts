/** Runs `expire` for each item that is still present after the same time, with one timer for all. */
export class Deadlines<Item> {
  readonly #limitMs: number;
  readonly #expire: (item: Item) => void;
  /** The time of each by the steady clock, the earliest first. */
  readonly #due = new Map<Item, number>();
  #isArmed = false;

  constructor(limitMs: number, expire: (item: Item) => void) {
    this.#limitMs = limitMs;
    this.#expire = expire;
  }

  /** Items that wait. */
  get size(): number {
    return this.#due.size;
  }

  add(item: Item): void {
    this.#due.set(item, performance.now() + this.#limitMs);
    if (!this.#isArmed) this.#arm(this.#limitMs);
  }

  delete(item: Item): void {
    this.#due.delete(item);
  }

  /** Does not keep the process alive. */
  #arm(afterMs: number): void {
    this.#isArmed = true;
    setTimeout(() => this.#sweep(), afterMs).unref();
  }

  #sweep(): void {
    this.#isArmed = false;
    const now = performance.now();
    for (const [item, due] of this.#due) {
      if (due > now) {
        return this.#arm(Math.ceil(due - now));
      }
      this.#due.delete(item);
      this.#expire(item);
    }
  }
}
