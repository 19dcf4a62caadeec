import type { Look } from './look.ts';
import type { Overflow } from './coverage.ts';

/** An overflow that lasts is told again and again, each time with what was not told. */
const TELL_MS = 60_000;

/** A full queue drops its oldest messages, and the broker says nothing of it: its length tells. */
export class OverflowWatch {
  readonly #maxLength: number;
  /** The last look that found room. */
  #roomAt: number | null = null;
  /** Since when the queue may be full; 0: nobody knows; null: it is not. */
  #fullFrom: number | null = null;
  #toldAt = 0;
  #waiting = 0;
  /** Found while it could not be told. */
  #kept: Overflow | null = null;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Messages in the queue at the last look. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Keeps what it finds for the next look: nothing can be told now. */
  noteWhileAway(waiting: number, at: number, now: number): void {
    this.#kept = this.note({ at, waiting, expired: null }, now);
  }

  /** What is to be told after this look. Times are Unix milliseconds. */
  note({ at, waiting, expired }: Pick<Look, 'at' | 'waiting' | 'expired'>, now: number): Overflow | null {
    this.#waiting = waiting;
    let found: Overflow | null = expired === null ? this.#kept : join(this.#kept, expired);
    this.#kept = null;
    if (waiting >= this.#maxLength) {
      if (this.#fullFrom === null) {
        this.#fullFrom = this.#roomAt ?? 0;
        this.#toldAt = now;
      } else if (now - this.#toldAt >= TELL_MS) {
        found = join(found, { from: this.#fullFrom, to: now });
        this.#fullFrom = now;
        this.#toldAt = now;
      }
      return found;
    }
    if (this.#fullFrom !== null) found = join(found, { from: this.#fullFrom, to: now });
    this.#fullFrom = null;
    this.#roomAt = at;
    return found;
  }
}

function join(one: Overflow | null, other: Overflow): Overflow {
  if (one === null) return other;
  return { from: Math.min(one.from, other.from), to: Math.max(one.to, other.to) };
}
