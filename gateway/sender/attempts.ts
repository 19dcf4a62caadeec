import type { Verdict } from './verdict.ts';

/** One request or message as administrators see it. */
export interface Attempt {
  /** Start, Unix milliseconds. */
  readonly at: number;
  /** The id of the request: of its event, or of its batch. */
  readonly eventId: string;
  readonly events: number;
  /** From 1. */
  readonly attempt: number;
  /** Null without an answer. */
  readonly status: number | null;
  /** Why there was no answer; null when there was one. */
  readonly code: string | null;
  readonly ms: number;
  /** The beginning of the answer's body. */
  readonly answer: string;
  readonly verdict: Verdict['kind'];
  /** Of a replay. */
  readonly replay: boolean;
}

const KEPT = 100;

/** The last requests or messages, the newest first. */
export class Attempts {
  readonly #ring: Attempt[] = [];
  #next = 0;

  add(attempt: Attempt): void {
    this.#ring[this.#next] = attempt;
    this.#next = (this.#next + 1) % KEPT;
  }

  get last(): readonly Attempt[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)].toReversed();
  }
}
