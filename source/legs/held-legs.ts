import type { Draft, Leg } from './leg-registry.ts';

/** Events of one leg that wait for its account. */
export interface Held<State> {
  readonly leg: Leg<State>;
  /** By the local clock. */
  readonly since: number;
  /** The switch, and its time. */
  readonly clock: string;
  readonly at: number;
  readonly drafts: Draft[];
}

/**
 * The legs whose events wait, oldest first. A mapper asks at each event which of them are due. The cost of finding none
 * does not depend on how many wait.
 */
export class HeldLegs<State> {
  readonly #byId = new Map<string, Held<State>>();
  /** Of legs that have a root. */
  readonly #byRoot = new Map<string, Set<Held<State>>>();
  /** By switch: no later than the time at which its first waiting leg began to wait. */
  readonly #earliest = new Map<string, number>();
  /** The local clock at the last call of `due`. */
  #asked = -Infinity;

  get size(): number {
    return this.#byId.size;
  }

  get(callId: string): Held<State> | undefined {
    return this.#byId.get(callId);
  }

  oldest(): Held<State> | undefined {
    return this.#byId.values().next().value;
  }

  add(held: Held<State>): void {
    const { leg, clock, at } = held;
    this.#byId.set(leg.callId, held);
    this.#earliest.set(clock, Math.min(at, this.#earliest.get(clock) ?? Infinity));
    if (leg.rootId === '') return;
    const siblings = this.#byRoot.get(leg.rootId);
    if (siblings === undefined) this.#byRoot.set(leg.rootId, new Set([held]));
    else siblings.add(held);
  }

  delete(held: Held<State>): void {
    const { callId, rootId } = held.leg;
    this.#byId.delete(callId);
    if (this.#byId.size === 0) this.#earliest.clear();
    const siblings = this.#byRoot.get(rootId);
    if (siblings?.delete(held) === true && siblings.size === 0) this.#byRoot.delete(rootId);
  }

  /** Waiting legs that have this leg as root. */
  withRoot(callId: string): readonly Held<State>[] {
    const siblings = this.#byRoot.get(callId);
    return siblings === undefined ? [] : [...siblings];
  }

  /** Legs that have waited this long by the switch's clock. */
  dueByClock(clock: string, at: number, holdMs: number): readonly Held<State>[] {
    const earliest = this.#earliest.get(clock);
    if (earliest === undefined || at - earliest < holdMs) return [];
    const due: Held<State>[] = [];
    let next = Infinity;
    for (const one of this.#byId.values()) {
      if (one.clock !== clock) continue;
      if (at - one.at >= holdMs) due.push(one);
      else next = Math.min(next, one.at);
    }
    if (next === Infinity) this.#earliest.delete(clock);
    else this.#earliest.set(clock, next);
    return due;
  }

  /** Legs that have waited this long by the local clock. A clock that jumped back also ends the wait. */
  due(now: number, holdMs: number): readonly Held<State>[] {
    const hasJumped = now < this.#asked;
    this.#asked = now;
    const due: Held<State>[] = [];
    for (const one of this.#byId.values()) {
      if (now - one.since >= holdMs || now < one.since) due.push(one);
      // They are in the order of the local clock, unless it has jumped.
      else if (!hasJumped) break;
    }
    return due;
  }
}
