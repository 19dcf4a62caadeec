import type { Round } from './round.ts';

/** The last rounds, bounded in bytes: where connections that are a little behind read from. */
export class Tail {
  readonly #rounds: Round[] = [];
  readonly #maxBytes: number;
  /** Rounds are shifted out in bulk: `#start` is the first one that still counts. */
  #start = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Adds a round and drops the oldest ones over the bound; the newest one always stays. */
  push(round: Round): void {
    this.#rounds.push(round);
    this.#bytes += round.plain.buffer.length;
    while (this.#bytes > this.#maxBytes && this.#start < this.#rounds.length - 1) {
      this.#bytes -= this.#rounds[this.#start]?.plain.buffer.length ?? 0;
      this.#start += 1;
    }
    if (this.#start > 1_024 || this.#start * 2 > this.#rounds.length) {
      this.#rounds.splice(0, this.#start);
      this.#start = 0;
    }
  }

  /** Null when the round has left the tail or is still to come. */
  get(number: number): Round | null {
    const first = this.#rounds[this.#start];
    if (first === undefined || number < first.number) return null;
    return this.#rounds[this.#start + number - first.number] ?? null;
  }

  clear(): void {
    this.#rounds.length = 0;
    this.#start = 0;
    this.#bytes = 0;
  }
}
