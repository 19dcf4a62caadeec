/**
 * Calls `onPassed` when a time has passed without `clear`. Its timer stays when the time is set again for later, as it
 * is for each request on a kept connection: a timer for each request would cost more.
 */
export class Deadline implements Disposable {
  readonly #onPassed: () => void;
  #at = Number.POSITIVE_INFINITY;
  #firesAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  /** From now on, in milliseconds. Replaces the former time. */
  set(ms: number): void {
    const now = performance.now();
    this.#at = now + ms;
    if (this.#at < this.#firesAt) this.#arm(now);
  }

  clear(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  [Symbol.dispose](): void {
    this.clear();
    this.#disarm();
  }

  #arm(now: number): void {
    this.#disarm();
    this.#firesAt = this.#at;
    this.#timer = setTimeout(() => this.#fires(), Math.max(0, this.#at - now) + 1);
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #fires(): void {
    this.#disarm();
    if (this.#at === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    if (this.#at > now) return this.#arm(now);
    this.clear();
    this.#onPassed();
  }
}
