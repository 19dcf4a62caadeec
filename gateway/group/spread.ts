import { seedOf, weight } from '../replica/rendezvous.ts';

/** A connection as a choice for calls. */
export interface Candidate {
  readonly seed: number;
  /** False when it has more than enough to do: calls that are new go to others. */
  readonly hasRoom: boolean;
}

/** Calls that are remembered twice over: the older half goes as soon as the younger is full. */
const REMEMBERED = 32_768;
const NOBODY = -1;

/**
 * Which connection a call goes to: chosen by rendezvous hashing when the call is first seen, and kept while the
 * connection is there, whoever joins meanwhile. What was kept longest without use is forgotten first; such a call is
 * then chosen for anew, by the same hash. Connections are remembered by number, so that none outlives its socket here.
 */
export class Spread {
  readonly #remembered: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  constructor(remembered: number = REMEMBERED) {
    this.#remembered = remembered;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** `candidates` by number. Null when there is none. */
  choose<C extends Candidate>(call: string, candidates: ReadonlyMap<number, C>): C | null {
    const young = candidates.get(this.#young.get(call) ?? NOBODY);
    if (young !== undefined) return young;
    const old = this.#old.get(call) ?? NOBODY;
    const number = candidates.has(old) ? old : heaviest(call, candidates);
    const chosen = candidates.get(number);
    if (chosen === undefined) return null;
    if (this.#young.size >= this.#remembered) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(call, number);
    return chosen;
  }
}

/** The one with most weight among those with room; among all when none has. */
function heaviest(call: string, candidates: ReadonlyMap<number, Candidate>): number {
  const choice = seedOf(call);
  let best = NOBODY;
  let most = -1;
  for (const [number, candidate] of candidates) {
    const wants = weight(candidate.seed, choice) + (candidate.hasRoom ? 2 ** 32 : 0);
    if (wants <= most) continue;
    best = number;
    most = wants;
  }
  return best;
}
