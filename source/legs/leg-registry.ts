import type { MappedEvent, Synthetic } from '../mapper.ts';
import { HeldLegs, type Held } from './held-legs.ts';

/** A leg that has begun and has not ended. `State` is what the mapper of its switch knows about it. */
export interface Leg<State> {
  readonly callId: string;
  /** The leg that the switch named as this leg's root at its start; empty when the leg is its own root. */
  readonly rootId: string;
  /** The latch: the last account that an event of this leg had. */
  account: string;
  /** Ids of its last events. */
  readonly ids: string[];
  readonly state: State;
}

/** An event whose account is not known yet. */
export interface Draft {
  readonly name: string;
  readonly eventId: string;
  readonly position: string;
  readonly at: number;
  readonly synthetic: Synthetic | null;
  /** Returns the bytes; called once, when the account is known or the wait is given up. */
  render(account: string): string;
}

/** Accounts that an event itself contains: the switch's own value, and the result of rules on its hints. */
export interface Claim {
  readonly named: string;
  /** Called only when neither the event, nor the leg before it, nor its root has an account. */
  readonly byRule: () => string;
}

export interface LegRegistryOptions {
  /** Milliseconds that a CREATE without account waits for it; 0: it does not wait. */
  readonly holdMs: number;
  /** Additional wait by the local clock while the switch sends nothing; default 0. */
  readonly graceMs?: number;
}

/**
 * Upper bound between two replicas' receipts of one event. All replicas give up the wait for an account at the same
 * event, because the switch's clock measures it. The local clock ends it only when no event arrives.
 */
export const GRACE_MS = 500;

/** More legs than any switch has: a switch that begins legs without ending them must not fill the memory. */
export const MAX_LEGS = 100_000;
/** Number of remembered ended legs, so that a late event does not begin its leg again. */
const MAX_ENDED = 20_000;
/** Waiting events of one leg, and of all legs. */
const MAX_HELD_OF_LEG = 64;
const MAX_HELD = 10_000;

/** Remembered ids of one leg. */
const MAX_IDS = 32;

const NONE: readonly MappedEvent[] = [];

/**
 * The legs of a switch and their accounts. Invariants: an event is emitted after all earlier ones of its leg; nothing
 * of a leg is emitted after its end; the root's account counts only when the switch named the root at the leg's start,
 * because a later root may be a leg of another tenant (S8).
 */
export class LegRegistry<State> {
  readonly #holdMs: number;
  readonly #graceMs: number;
  readonly #legs = new Map<string, Leg<State>>();
  readonly #ended = new Set<string>();
  readonly #waiting = new HeldLegs<State>();
  #held = 0;
  #clock = '';
  #at = 0;

  constructor({ holdMs, graceMs = 0 }: LegRegistryOptions) {
    this.#holdMs = holdMs;
    this.#graceMs = holdMs === 0 ? 0 : graceMs;
  }

  get(callId: string): Leg<State> | undefined {
    return this.#legs.get(callId);
  }

  /** Whether the leg has ended, as far as is remembered. */
  hasEnded(callId: string): boolean {
    return this.#ended.has(callId);
  }

  begin(callId: string, rootId: string, state: State): Leg<State> {
    const leg: Leg<State> = { callId, rootId: rootId === callId ? '' : rootId, account: '', ids: [], state };
    this.#legs.set(callId, leg);
    return leg;
  }

  /** The oldest leg when there are more than a switch can have, else undefined: the mapper must end it. */
  surplus(): Leg<State> | undefined {
    return this.#legs.size > MAX_LEGS ? this.#legs.values().next().value : undefined;
  }

  /** Whether the leg has had an event of this id: the log accepts it only once. Joined captures repeat events. */
  hasHad({ ids }: Leg<State>, eventId: string): boolean {
    return ids.includes(eventId);
  }

  /**
   * Returns what may be emitted now: this event; or nothing while its leg waits or when it repeats another; or all
   * waiting events and this one.
   */
  emit(leg: Leg<State>, draft: Draft, claim: Claim, now: number): MappedEvent[] {
    if (this.hasHad(leg, draft.eventId)) return [];
    if (leg.ids.push(draft.eventId) > MAX_IDS) leg.ids.shift();
    const account = this.#accountOf(leg, claim);
    if (account !== '') {
      const events = this.latch(leg, account);
      events.push(mapped(leg, draft, account));
      return events;
    }
    const entry = this.#waiting.get(leg.callId);
    if (entry === undefined) {
      const waits = draft.name === 'CHANNEL_CREATE' && this.#holdMs > 0 && this.#held < MAX_HELD;
      if (!waits) return [mapped(leg, draft, '')];
      this.#waiting.add({ leg, since: now, clock: this.#clock, at: this.#at, drafts: [draft] });
      this.#held += 1;
      return [];
    }
    entry.drafts.push(draft);
    this.#held += 1;
    return entry.drafts.length > MAX_HELD_OF_LEG || this.#held > MAX_HELD ? this.#release(entry) : [];
  }

  /** Sets the account, and returns the events that waited for it, in this leg and in legs that have it as root. */
  latch(leg: Leg<State>, account: string): MappedEvent[] {
    const wasKnown = leg.account !== '';
    if (account !== '') leg.account = account;
    if (account === '' || wasKnown || this.#waiting.size === 0) return [];
    const own = this.#waiting.get(leg.callId);
    const events = own === undefined ? [] : this.#release(own);
    for (const entry of this.#waiting.withRoot(leg.callId)) {
      if (entry.leg.account === '') events.push(...this.latch(entry.leg, account));
    }
    return events;
  }

  /** The last event of the leg. The leg is forgotten afterwards. */
  end(leg: Leg<State>, draft: Draft, claim: Claim, now: number): MappedEvent[] {
    const events = this.emit(leg, draft, claim, now);
    const entry = this.#waiting.get(leg.callId);
    if (entry !== undefined) events.push(...this.#release(entry));
    this.#legs.delete(leg.callId);
    this.#ended.add(leg.callId);
    if (this.#ended.size > MAX_ENDED) for (const oldest of this.#ended) if (this.#ended.delete(oldest)) break;
    return events;
  }

  /** Forgets a leg that has not ended. Returns its waiting events. */
  forget(leg: Leg<State>): MappedEvent[] {
    const entry = this.#waiting.get(leg.callId);
    this.#legs.delete(leg.callId);
    return entry === undefined ? [] : this.#release(entry);
  }

  /**
   * Call before each event of a switch, with its clock. Returns the events that have waited longer than the hold by
   * that clock.
   */
  tick(clock: string, at: number): readonly MappedEvent[] {
    this.#clock = clock;
    this.#at = at;
    if (this.#waiting.size === 0) return NONE;
    return this.#releaseAll(this.#waiting.dueByClock(clock, at, this.#holdMs));
  }

  /**
   * Returns the events that have waited longer than the hold by the local clock. A clock that jumped back also ends the
   * wait.
   */
  advance(now: number): readonly MappedEvent[] {
    if (this.#waiting.size === 0) return NONE;
    return this.#releaseAll(this.#waiting.due(now, this.#holdMs + this.#graceMs));
  }

  /** When the oldest waiting event reached `emit`; null when none waits. */
  waitingSince(): number | null {
    return this.#waiting.oldest()?.since ?? null;
  }

  /** Position of the oldest event that waits for its account; null when none waits. */
  heldFrom(): string | null {
    return this.#waiting.oldest()?.drafts[0]?.position ?? null;
  }

  legs(): IterableIterator<Leg<State>> {
    return this.#legs.values();
  }

  #accountOf(leg: Leg<State>, { named, byRule }: Claim): string {
    return named || leg.account || this.#legs.get(leg.rootId)?.account || byRule();
  }

  #releaseAll(entries: readonly Held<State>[]): readonly MappedEvent[] {
    return entries.length === 0 ? NONE : entries.flatMap((entry) => this.#release(entry));
  }

  #release(entry: Held<State>): MappedEvent[] {
    this.#waiting.delete(entry);
    this.#held -= entry.drafts.length;
    return entry.drafts.map((draft) => mapped(entry.leg, draft, entry.leg.account));
  }
}

function mapped<State>(leg: Leg<State>, draft: Draft, account: string): MappedEvent {
  const { name, eventId, position, at, synthetic } = draft;
  return { name, account, callId: leg.callId, eventId, position, at, json: draft.render(account), synthetic };
}
