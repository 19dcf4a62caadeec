import type { Logger } from '../../runtime/logging/logger.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { Grant } from '../auth/grant.ts';
import {
  registerMember,
  renewMembers,
  withdrawMembers,
  type GroupOf,
  type Registered,
  type RegistryPlace,
} from './registry.ts';

/** A claim outlives its replica by this time: longer than a lease, so that no owner acts on a replaced grant. */
const CLAIMED_MS = 15_000;
/** Safety margin taken off the claim for clock drift and the time to reach Redis. */
const MARGIN = 0.1;
/** An admitted connection that has not joined by then never will. */
const JOINS_WITHIN_MS = 10_000;

export interface GrantsOptions extends RegistryPlace {
  readonly logger: Logger;
  /** The grant of this group's members is in force until then (monotonic). */
  readonly onRenewed: (of: GroupOf, until: number) => void;
  /** Another grant is in force: this replica's members must leave. */
  readonly onReplaced: (of: GroupOf) => void;
}

/** State of a group on this replica. */
interface Held {
  readonly of: GroupOf;
  grant: Grant;
  hasMembers: boolean;
  /** Until when each admitted connection may still join (monotonic). */
  readonly admitted: number[];
}

export interface Ask {
  readonly grant: Grant;
  /** Null: no limit. */
  readonly maxAccounts: number | null;
  readonly regroup: boolean;
}

/** `<group>/<account>`: neither can contain a slash. */
export function keyOf({ group, account }: GroupOf): string {
  return `${group}/${account}`;
}

/**
 * The grant of each group with members here: the same on all replicas (I13). Claims it before a connection joins, and
 * renews the claim at each heartbeat.
 */
export class Grants {
  readonly #options: GrantsOptions;
  readonly #held = new Map<string, Held>();
  #lastCode = '';

  constructor(options: GrantsOptions) {
    this.#options = options;
  }

  /** Groups of which this replica has, or may soon have, members. */
  get size(): number {
    return this.#held.size;
  }

  /** Requests admission for a connection with this grant. Rejects with the client's error. */
  async admit(of: GroupOf, ask: Ask): Promise<Registered> {
    const key = keyOf(of);
    const isIdleHere = !this.#isInUse(this.#held.get(key));
    const held = this.#held.get(key) ?? { of, grant: ask.grant, hasMembers: false, admitted: [] };
    this.#held.set(key, held);
    const joinsBy = performance.now() + JOINS_WITHIN_MS;
    held.admitted.push(joinsBy);
    const sentAt = performance.now();
    let registered: Registered | null = null;
    try {
      registered = await registerMember(this.#options, of, { ...ask, ttlMs: CLAIMED_MS, isIdleHere });
      return registered;
    } finally {
      const isIn = registered !== null && ['joined', 'again', 'regrouped'].includes(registered.kind);
      if (isIn) {
        held.grant = ask.grant;
        this.#options.onRenewed(of, validUntil(sentAt));
      } else this.#forget(held, joinsBy);
    }
  }

  /** An admitted connection has joined. */
  joined(of: GroupOf, grant: Grant): void {
    const key = keyOf(of);
    const held = this.#held.get(key) ?? { of, grant, hasMembers: true, admitted: [] };
    held.admitted.shift();
    held.hasMembers = true;
    this.#held.set(key, held);
  }

  /** The last connection of this replica has left: the group is free for another grant at once. */
  async left(of: GroupOf): Promise<void> {
    const held = this.#held.get(keyOf(of));
    if (held === undefined) return;
    held.hasMembers = false;
    await this.#sweep(held);
  }

  /** Renews the claims of groups with members, and releases the others. Never rejects. */
  async renew(): Promise<void> {
    await Promise.all([...this.#held.values()].map((held) => this.#renewOne(held)));
  }

  /** This replica leaves: its claims end now. */
  async withdraw(): Promise<void> {
    const groups = [...this.#held.values()];
    this.#held.clear();
    await Promise.allSettled(groups.map(({ of }) => withdrawMembers(this.#options, of)));
  }

  async #renewOne(held: Held): Promise<void> {
    if (!this.#isInUse(held)) return this.#sweep(held);
    const { of, grant } = held;
    const sentAt = performance.now();
    try {
      const isInForce = await renewMembers(this.#options, of, { grant, ttlMs: CLAIMED_MS });
      this.#lastCode = '';
      if (isInForce) this.#options.onRenewed(of, validUntil(sentAt));
      else this.#options.onReplaced(of);
    } catch (error) {
      this.#failed(error);
    }
  }

  #isInUse(held: Held | undefined): boolean {
    if (held === undefined) return false;
    const now = performance.now();
    while ((held.admitted[0] ?? now) < now) held.admitted.shift();
    return held.hasMembers || held.admitted.length > 0;
  }

  #forget(held: Held, joinsBy: number): void {
    const at = held.admitted.indexOf(joinsBy);
    if (at >= 0) held.admitted.splice(at, 1);
    if (!this.#isInUse(held)) this.#held.delete(keyOf(held.of));
  }

  async #sweep(held: Held): Promise<void> {
    if (this.#isInUse(held)) return;
    this.#held.delete(keyOf(held.of));
    try {
      await withdrawMembers(this.#options, held.of);
    } catch (error) {
      // The claim expires by itself.
      this.#failed(error);
    }
  }

  /** One line for each reason and outage. */
  #failed(error: unknown): void {
    const code = redisErrorCode(error);
    if (code === this.#lastCode) return;
    this.#lastCode = code;
    this.#options.logger.warn({ code }, 'the grants of consumer groups cannot be renewed; trying again');
  }
}

function validUntil(sentAt: number): number {
  return sentAt + CLAIMED_MS * (1 - MARGIN);
}
