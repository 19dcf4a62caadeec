import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../runtime/logging/logger.ts';
import { PlacesUnavailable, type SharedPlaces } from './shared-places.ts';

/** A connection's place within the quota of its account. */
export interface Place {
  /** Once the connection is gone, or was never opened. Again is harmless. */
  readonly release: () => void;
}

export interface AccountQuotaOptions {
  /** Connections of one login account, over all replicas; null: no limit, and nothing is kept. */
  readonly most: number | null;
  /** Null: this process is the only replica. */
  readonly shared: SharedPlaces | null;
  readonly logger: Logger;
  /** Time between two renewals of the places held here, default 5 s: well within the time they last. */
  readonly renewEveryMs?: number;
}

const FREE: Place = { release: () => undefined };

/**
 * Counts the connections of each account over all replicas. A replica holds its places only as long as it renews
 * them, so that one which was killed leaves nothing behind; while they cannot be shared its own count decides.
 */
export class AccountQuota implements AsyncDisposable {
  readonly #options: AccountQuotaOptions;
  readonly #replica = randomUUID();
  /** Members by account; an account without any is not there. */
  readonly #held = new Map<string, Set<string>>();
  readonly #asked = new Set<string>();
  readonly #stop = new AbortController();
  #given = new Map<string, string[]>();
  #giving: Promise<void> = Promise.resolve();
  #renewing: Promise<void> = Promise.resolve();
  #taken = 0;
  #fault: string | null = null;

  private constructor(options: AccountQuotaOptions) {
    this.#options = options;
  }

  static start(options: AccountQuotaOptions): AccountQuota {
    const quota = new AccountQuota(options);
    if (options.most !== null && options.shared !== null) quota.#renewing = quota.#keepRenewing(options.shared);
    return quota;
  }

  /** Accounts with places here: 0 again when everyone has left (I10). */
  get accounts(): number {
    return this.#held.size;
  }

  /** Null when the account has no place left. Never rejects for a store that is away. */
  async reserve(account: string): Promise<Place | null> {
    const { most, shared } = this.#options;
    if (most === null) return FREE;
    const held = this.#held.get(account) ?? new Set<string>();
    if (held.size >= most) return null;
    this.#taken += 1;
    const member = `${this.#replica}:${this.#taken}`;
    held.add(member);
    this.#held.set(account, held);
    if (shared !== null && !(await this.#take(shared, { account, member, most }))) {
      this.#forget(account, member);
      return null;
    }
    return { release: () => this.#release(account, member) };
  }

  /** Gives back everything, so that nobody waits for places to run out. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
    for (const [account, members] of this.#held) for (const member of members) this.#release(account, member);
    await this.#giving;
  }

  async #take(shared: SharedPlaces, place: { account: string; member: string; most: number }): Promise<boolean> {
    this.#asked.add(place.member);
    try {
      const taken = await shared.take(place);
      this.#fault = null;
      return taken;
    } catch (error) {
      this.#tell(error);
      // The own count was within the limit. The next renewal brings the place into the store.
      return true;
    } finally {
      this.#asked.delete(place.member);
    }
  }

  #release(account: string, member: string): void {
    if (!this.#forget(account, member) || this.#options.shared === null) return;
    const given = this.#given.get(account);
    if (given !== undefined) return void given.push(member);
    if (this.#given.size === 0) this.#giving = this.#giving.then(() => this.#give());
    this.#given.set(account, [member]);
  }

  #forget(account: string, member: string): boolean {
    const held = this.#held.get(account);
    if (held?.delete(member) !== true) return false;
    if (held.size === 0) this.#held.delete(account);
    return true;
  }

  /** Not what is still asked for: to renew it would take a place that may be refused. */
  #isHeld(account: string, member: string): boolean {
    return this.#held.get(account)?.has(member) === true && !this.#asked.has(member);
  }

  /** What was given back in the meantime, one command an account. */
  async #give(): Promise<void> {
    const given = this.#given;
    this.#given = new Map();
    for (const [account, members] of given) {
      try {
        await this.#options.shared?.give(account, members);
      } catch (error) {
        this.#tell(error);
        // Nobody renews them: they run out by themselves.
        return;
      }
    }
  }

  async #keepRenewing(shared: SharedPlaces): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await delay(this.#options.renewEveryMs ?? 5_000, undefined, { signal, ref: false }).catch(() => undefined);
      try {
        for (const account of this.#held.keys()) {
          if (signal.aborted) return;
          const members = [...(this.#held.get(account) ?? [])];
          await shared.renew(account, members, (member) => this.#isHeld(account, member));
        }
        this.#fault = null;
      } catch (error) {
        this.#tell(error);
      }
    }
  }

  #tell(error: unknown): void {
    if (!(error instanceof PlacesUnavailable)) throw error;
    if (this.#fault !== error.code) {
      this.#options.logger.warn({ code: error.code }, 'quotas are not shared: each replica goes by its own count');
    }
    this.#fault = error.code;
  }
}
