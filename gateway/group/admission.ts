import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { Grant } from '../auth/grant.ts';
import type { Problem } from '../http/problem.ts';
import { claimGrant, grantDigest, withdrawGrant } from './group-grants.ts';
import type { Admission } from './groups.ts';

/** A claim outlives its replica for so long, and an admission that nobody makes use of. */
const CLAIMED_MS = 15_000;
/** An admitted connection has joined by then. */
const JOINS_WITHIN_MS = 10_000;

export interface GrantsOptions {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  readonly resource: string;
  readonly replica: string;
}

/**
 * Sees to it that all connections of a group have one grant, on all replicas: an event acknowledged by a connection
 * that may see it would else be lost to one that may see others.
 */
export class Grants {
  readonly #options: GrantsOptions;
  /** The grant of this replica's connections, by group; and until when somebody who was admitted may still join. */
  readonly #held = new Map<string, { readonly digest: string; until: number; hasMembers: boolean }>();

  constructor(options: GrantsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.size;
  }

  async admit(group: string, grant: Grant): Promise<Admission> {
    const digest = grantDigest(grant);
    const own = this.#held.get(group);
    const isFree = own === undefined || (!own.hasMembers && own.until < performance.now());
    if (!isFree && own.digest !== digest) return refused(differs(group));
    const until = performance.now() + JOINS_WITHIN_MS;
    if (isFree) this.#held.set(group, { digest, until, hasMembers: false });
    else own.until = until;
    try {
      const isOne = await claimGrant(this.#options, { group, digest, ttlMs: CLAIMED_MS });
      if (isOne) return { ok: true };
      this.#forget(group, digest);
      return refused(differs(group));
    } catch (error) {
      this.#forget(group, digest);
      return refused(unavailable(redisErrorCode(error)));
    }
  }

  joined(group: string, grant: Grant): void {
    const own = this.#held.get(group);
    if (own !== undefined) own.hasMembers = true;
    else this.#held.set(group, { digest: grantDigest(grant), until: 0, hasMembers: true });
  }

  /** The last connection of this replica has left. */
  async left(group: string): Promise<void> {
    const own = this.#held.get(group);
    if (own === undefined) return;
    own.hasMembers = false;
    await this.#sweep(group);
  }

  /** Renews what this replica has, forgets what it no longer has. Gives the groups whose grant is another's by now. */
  async renew(): Promise<string[]> {
    const lost: string[] = [];
    for (const [group, { digest, hasMembers }] of this.#held) {
      try {
        if (!hasMembers) await this.#sweep(group);
        else if (!(await claimGrant(this.#options, { group, digest, ttlMs: CLAIMED_MS }))) lost.push(group);
      } catch {
        // Redis is away: nothing is known, and the next beat tries again.
      }
    }
    return lost;
  }

  /** This replica goes: its claims need not wait for their end. */
  async withdraw(): Promise<void> {
    const groups = [...this.#held.keys()];
    this.#held.clear();
    await Promise.allSettled(groups.map((group) => withdrawGrant(this.#options, group)));
  }

  async #sweep(group: string): Promise<void> {
    const own = this.#held.get(group);
    if (own === undefined || own.hasMembers || own.until > performance.now()) return;
    this.#held.delete(group);
    await withdrawGrant(this.#options, group).catch(() => {
      // It ends by itself.
    });
  }

  #forget(group: string, digest: string): void {
    const own = this.#held.get(group);
    if (own?.digest === digest && !own.hasMembers) this.#held.delete(group);
  }
}

export function refused(problem: Problem): Admission {
  return { ok: false, problem };
}

export function unknownGroup(names: readonly string[]): Problem {
  return {
    status: 400,
    code: 'unknown_group',
    detail: `the subscription declares no such group; it has: ${names.join(', ')}`,
    field: 'group',
  };
}

export function nothingKept(group: string): Problem {
  return {
    status: 403,
    code: 'group_keeps_nothing',
    detail: `the group ${group} keeps none of the events and accounts of this login: use another group, or log in for others`,
    field: 'group',
  };
}

export function unavailable(code: string): Problem {
  return {
    status: 503,
    code: 'groups_unavailable',
    detail: `consumer groups cannot be served now (${code}); try again`,
    headers: { 'Retry-After': '5' },
  };
}

function differs(group: string): Problem {
  return {
    status: 403,
    code: 'group_grant_differs',
    detail: `the live connections of group ${group} have another grant: log in for the same account, accounts and events, or use another group`,
    field: 'group',
  };
}
