interface IdleTime {
  /** Milliseconds that the event loop has been idle. */
  idleTime(): number;
}

/** A pause after work: it ends when the loop has been idle for a multiple of the work, at the latest after a limit. */
export class Pause {
  readonly #loop: IdleTime;
  readonly #idleRatio: number;
  readonly #longestMs: number;
  #idleUntil = Number.NEGATIVE_INFINITY;
  #latestAt = Number.NEGATIVE_INFINITY;

  constructor(loop: IdleTime, { idleRatio, longestMs }: { idleRatio: number; longestMs: number }) {
    this.#loop = loop;
    this.#idleRatio = idleRatio;
    this.#longestMs = longestMs;
  }

  begin(workMs: number, now: number): void {
    this.#latestAt = now + this.#longestMs;
    this.#idleUntil = this.#loop.idleTime() + this.#idleRatio * workMs;
  }

  isOver(now: number): boolean {
    return now >= this.#latestAt || this.#loop.idleTime() >= this.#idleUntil;
  }

  /** The earliest time at which it may be over. */
  endsAt(now: number): number {
    return Math.min(this.#latestAt, now + Math.max(0, this.#idleUntil - this.#loop.idleTime()));
  }
}
