/** How long a key waits after its n-th failure in a row. */
export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

const BACKOFF: Backoff = { baseMs: 500, maxMs: 300_000 };

/**
 * Keys that wait for a worker. Each key is in the queue at most once. A key that is added while a worker has it is
 * queued again after `done`, never for a second worker at the same time. Urgent keys go first.
 */
export class WorkQueue {
  readonly #backoff: Backoff;
  readonly #random: () => number;
  /** Waiting keys, in order; the value says whether the key is urgent. */
  readonly #waiting = new Map<string, boolean>();
  /** With the time that each had waited, in milliseconds. */
  readonly #processing = new Map<string, number>();
  /** When each began to wait. */
  readonly #since = new Map<string, number>();
  /** Added while a worker has them. */
  readonly #dirty = new Map<string, boolean>();
  readonly #timers = new Map<string, { readonly timer: NodeJS.Timeout; readonly due: number }>();
  readonly #failures = new Map<string, number>();
  readonly #takers: (() => void)[] = [];
  adds = 0;
  retries = 0;

  constructor(backoff: Backoff = BACKOFF, random: () => number = Math.random) {
    this.#backoff = backoff;
    this.#random = random;
  }

  get depth(): number {
    return this.#waiting.size;
  }

  add(key: string, isUrgent = false): void {
    this.adds += 1;
    this.#cancel(key);
    const place = this.#processing.has(key) ? this.#dirty : this.#waiting;
    if (place === this.#waiting) this.#wait(key, (place.get(key) ?? false) || isUrgent);
    else place.set(key, (place.get(key) ?? false) || isUrgent);
  }

  /** Adds it later, unless it is added before; of two delays the shorter one counts. */
  addAfter(key: string, ms: number): void {
    const due = performance.now() + ms;
    const planned = this.#timers.get(key);
    if (planned !== undefined && planned.due <= due) return;
    this.#cancel(key);
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      this.add(key);
    }, ms).unref();
    this.#timers.set(key, { timer, due });
  }

  /** Adds it after its back-off: doubled with each failure in a row, half of it random. Returns the delay. */
  retry(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.retries += 1;
    const ceiling = Math.min(this.#backoff.baseMs * 2 ** Math.min(failures - 1, 30), this.#backoff.maxMs);
    const ms = ceiling * (0.5 + this.#random() / 2);
    this.addAfter(key, ms);
    return ms;
  }

  /** Resets its failures. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Removes all state of a key whose resource was deleted. */
  drop(key: string): void {
    this.forget(key);
    this.#cancel(key);
    this.#waiting.delete(key);
    this.#since.delete(key);
    this.#dirty.delete(key);
  }

  /** The next key, as soon as there is one; the caller has it until `done`. Null when the signal is aborted. */
  async take(signal: AbortSignal): Promise<string | null> {
    while (!signal.aborted) {
      const key = this.#next();
      if (key !== undefined) {
        this.#waiting.delete(key);
        this.#processing.set(key, performance.now() - (this.#since.get(key) ?? performance.now()));
        this.#since.delete(key);
        return key;
      }
      await this.#somethingAdded(signal);
    }
    return null;
  }

  done(key: string): void {
    this.#processing.delete(key);
    const isUrgent = this.#dirty.get(key);
    if (isUrgent === undefined) return;
    this.#dirty.delete(key);
    this.#wait(key, isUrgent);
  }

  /** How long a key that a worker has waited for that worker, in milliseconds. */
  waitedMs(key: string): number {
    return this.#processing.get(key) ?? 0;
  }

  clear(): void {
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#waiting.clear();
    this.#since.clear();
    this.#dirty.clear();
    this.#failures.clear();
  }

  #wait(key: string, isUrgent: boolean): void {
    this.#waiting.set(key, isUrgent);
    if (!this.#since.has(key)) this.#since.set(key, performance.now());
    this.#takers.shift()?.();
  }

  #next(): string | undefined {
    for (const [key, isUrgent] of this.#waiting) if (isUrgent) return key;
    return this.#waiting.keys().next().value;
  }

  #cancel(key: string): void {
    clearTimeout(this.#timers.get(key)?.timer);
    this.#timers.delete(key);
  }

  #somethingAdded(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        signal.removeEventListener('abort', settle);
        resolve();
      };
      signal.addEventListener('abort', settle, { once: true });
      this.#takers.push(settle);
    });
  }
}
