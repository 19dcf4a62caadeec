import { seedOf, weight } from '../replica/rendezvous.ts';

/** A member as a choice for calls. */
export interface SpreadMember {
  readonly seed: number;
  /** False when it has as many events as it may have: new calls go to others. */
  readonly hasRoom: boolean;
  /** True when it finishes nothing: calls go to others, new ones or not. */
  readonly isHung: boolean;
}

/** Most remembered calls, in each of two generations: the older one is dropped as soon as the younger one is full. */
const REMEMBERED = 32_768;
const NOBODY = -1;

/**
 * Chooses the member of a call by rendezvous hashing when the call is first seen. The choice holds while that member is
 * there and does not hang, also when others join. The least recently used choice is dropped first; such a call gets a
 * member again, by the same hash. Members are stored by number, so that none is kept alive here after its socket.
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

  /** `members` by number. Null when there is none. */
  choose<M extends SpreadMember>(call: string, members: ReadonlyMap<number, M>): M | null {
    const young = members.get(this.#young.get(call) ?? NOBODY);
    if (young?.isHung === false) return young;
    const old = members.get(this.#old.get(call) ?? NOBODY);
    return this.#keep(call, old?.isHung === false ? (this.#old.get(call) ?? NOBODY) : heaviest(call, members), members);
  }

  /** The call leaves the member of this number. Null when there is no other one; a hung member only if all hang. */
  moveFrom<M extends SpreadMember>(number: number, call: string, members: ReadonlyMap<number, M>): M | null {
    return this.#keep(call, heaviest(call, members, number), members);
  }

  #keep<M extends SpreadMember>(call: string, number: number, members: ReadonlyMap<number, M>): M | null {
    const chosen = members.get(number);
    if (chosen === undefined) return null;
    if (this.#young.size >= this.#remembered) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(call, number);
    return chosen;
  }
}

const NOT_HUNG = 2 ** 33;
const ROOM = 2 ** 32;

/** The member with most weight: among those that do not hang and have room, else that do not hang, else all. */
function heaviest(call: string, members: ReadonlyMap<number, SpreadMember>, except = NOBODY): number {
  const choice = seedOf(call);
  let best = NOBODY;
  let most = -1;
  for (const [number, member] of members) {
    if (number === except) continue;
    const wants = weight(member.seed, choice) + (member.hasRoom ? ROOM : 0) + (member.isHung ? 0 : NOT_HUNG);
    if (wants <= most) continue;
    best = number;
    most = wants;
  }
  return best;
}
