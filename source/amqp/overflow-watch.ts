import type { Look } from './look.ts';
import type { Overflow } from './coverage.ts';

/** A lasting overflow is reported repeatedly, each time with the part that is not reported yet. */
const TELL_MS = 60_000;

/** A full queue drops its oldest messages without a notice: only its length shows it. */
export class OverflowWatch {
  readonly #maxLength: number;
  /** Time of the last look that found room. */
  #roomAt: number | null = null;
  /** Since when the queue may be full; 0: unknown; null: it is not full. */
  #fullFrom: number | null = null;
  #toldAt = 0;
  #waiting = 0;
  /** Overflow that was found while it could not be reported. */
  #kept: Overflow | null = null;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Number of messages in the queue at the last look. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Keeps the finding for the next look, because nothing can be reported now. */
  noteWhileAway(waiting: number, at: number, now: number): void {
    this.#kept = this.note({ at, waiting, expired: null }, now);
  }

  /** Returns the overflow to report after this look. Times are Unix milliseconds. */
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
