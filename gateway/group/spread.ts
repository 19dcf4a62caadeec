import { seedOf, weight } from '../replica/rendezvous.ts';

/** A connection as a choice for calls. */
export interface Candidate {
  readonly seed: number;
  readonly gone: boolean;
  /** False when it has more than enough to do: calls that are new go to others. */
  readonly hasRoom: boolean;
}

/** Calls that are remembered twice over: the older half goes as soon as the younger is full. */
const REMEMBERED = 32_768;

/**
 * Which connection a call goes to: chosen by rendezvous hashing when the call is first seen, and kept while the
 * connection is there, whoever joins meanwhile. What was kept longest without use is forgotten first; such a call is
 * then chosen for anew, by the same hash.
 */
export class Spread<C extends Candidate> {
  readonly #remembered: number;
  #young = new Map<string, C>();
  #old = new Map<string, C>();

  constructor(remembered: number = REMEMBERED) {
    this.#remembered = remembered;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Null when there is no connection. */
  choose(call: string, candidates: Iterable<C>): C | null {
    let kept = this.#young.get(call);
    if (kept !== undefined && !kept.gone) return kept;
    kept = this.#old.get(call);
    const chosen = kept !== undefined && !kept.gone ? kept : heaviest(call, candidates);
    if (chosen === null) return null;
    if (this.#young.size >= this.#remembered) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(call, chosen);
    return chosen;
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}

/** The one with most weight among those with room; among all when none has. */
function heaviest<C extends Candidate>(call: string, candidates: Iterable<C>): C | null {
  const choice = seedOf(call);
  let best: C | null = null;
  let most = -1;
  for (const candidate of candidates) {
    if (candidate.gone) continue;
    const wants = weight(candidate.seed, choice) + (candidate.hasRoom ? 2 ** 32 : 0);
    if (wants <= most) continue;
    best = candidate;
    most = wants;
  }
  return best;
}
