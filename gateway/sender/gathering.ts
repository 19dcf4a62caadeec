/** Collects events, to be sent in one request. It has its own timer, and decides nothing else. */
export class Gathering<Event> implements Disposable {
  readonly #most: number;
  readonly #waitMs: number;
  readonly #flush: (events: readonly Event[]) => void;
  readonly #events = new Set<Event>();
  #timer: NodeJS.Timeout | null = null;

  /** `flush` gets at most `most` events, at most `waitMs` after the first of them. */
  constructor({ most, waitMs }: { most: number; waitMs: number }, flush: (events: readonly Event[]) => void) {
    this.#most = most;
    this.#waitMs = waitMs;
    this.#flush = flush;
  }

  get size(): number {
    return this.#events.size;
  }

  add(event: Event): void {
    this.#events.add(event);
    if (this.#events.size >= this.#most) this.#now();
    else this.#timer ??= setTimeout(() => this.#now(), this.#waitMs);
  }

  delete(event: Event): void {
    this.#events.delete(event);
  }

  /** Nothing more is flushed. */
  [Symbol.dispose](): void {
    this.#events.clear();
    this.#clear();
  }

  #now(): void {
    this.#clear();
    const events = [...this.#events];
    this.#events.clear();
    if (events.length > 0) this.#flush(events);
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
