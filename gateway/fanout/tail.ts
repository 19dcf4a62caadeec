import { reaches } from '../../protocol/position.ts';
import type { Round } from './round.ts';

/** The last rounds, bounded in bytes: connections that are a little behind read from here. */
export class Tail {
  readonly #rounds: Round[] = [];
  readonly #maxBytes: number;
  /** Rounds are removed in bulk: `#start` is the first valid one. */
  #start = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Adds a round and drops the oldest ones over the bound; the newest one always stays. */
  push(round: Round): void {
    this.#rounds.push(round);
    this.#bytes += costOf(round);
    round.holder = this;
    while (this.#bytes > this.#maxBytes && this.#start < this.#rounds.length - 1) {
      const oldest = this.#rounds[this.#start];
      if (oldest !== undefined) this.#bytes -= letGo(oldest);
      this.#start += 1;
    }
    if (this.#start > 1_024 || this.#start * 2 > this.#rounds.length) {
      this.#rounds.splice(0, this.#start);
      this.#start = 0;
    }
  }

  /** A text of the round was made in another form; its size counts too. */
  grew(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Null when the round has left the tail or does not exist yet. */
  get(number: number): Round | null {
    const first = this.#rounds[this.#start];
    if (first === undefined || number < first.number) return null;
    return this.#rounds[this.#start + number - first.number] ?? null;
  }

  /**
   * The first round for a connection that has everything up to `ids`: the last round that begins at or before it. Null
   * when entries after `ids` have left the tail already. The reader skips entries of that round and later ones that
   * were delivered before, because another replica may have read the partitions in a different interleaving.
   */
  locate(ids: readonly string[]): number | null {
    let low = this.#start;
    let high = this.#rounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (reaches(ids, this.#rounds[middle]?.from ?? [])) low = middle + 1;
      else high = middle;
    }
    return low === this.#start ? null : (this.#rounds[low - 1]?.number ?? null);
  }

  /** Number of entries of all rounds from this one on; null when it has left the tail. */
  entriesFrom(number: number): number | null {
    const first = this.#rounds[this.#start];
    if (first === undefined || number < first.number) return null;
    let entries = 0;
    for (let at = this.#start + number - first.number; at < this.#rounds.length; at += 1) {
      entries += this.#rounds[at]?.ids.length ?? 0;
    }
    return entries;
  }

  clear(): void {
    for (const round of this.#rounds) letGo(round);
    this.#rounds.length = 0;
    this.#start = 0;
    this.#bytes = 0;
  }
}

/**
 * Removes the round from the tail, and releases the Buffers that views made from it; returns the bytes that were
 * counted for it.
 */
function letGo(round: Round): number {
  for (const view of round.sealedBy) view.unseal();
  round.holder = null;
  return costOf(round);
}

/** A round without events also has a size: otherwise any number of them would fit. */
const LEAST_BYTES = 512;

function costOf({ plain, madeBytes }: Round): number {
  return Math.max(LEAST_BYTES, plain.buffer.length) + madeBytes;
}
