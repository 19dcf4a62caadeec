import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../runtime/logging/logger.ts';
import { SlotsUnavailable, type SharedSlots } from './shared-slots.ts';

/** A connection's slot within a quota. */
export interface Slot {
  /** Called when the connection has ended, or was never opened. A second call does nothing. */
  readonly release: () => void;
}

export interface QuotaOptions {
  /** Connections of one holder, over all replicas; null: no limit, and nothing is kept. */
  readonly most: number | null;
  /** Null: this process is the only replica. */
  readonly shared: SharedSlots | null;
  readonly logger: Logger;
  /** Time between two renewals of the slots held here, default 5 s: well within the time they last. */
  readonly renewEveryMs?: number;
}

const FREE: Slot = { release: () => undefined };

/**
 * Counts the connections of each holder, an account or a user, over all replicas. A replica holds its slots only while
 * it renews them, so that one that was killed leaves none behind. While they cannot be shared its own count decides.
 */
export class Quota implements AsyncDisposable {
  readonly #options: QuotaOptions;
  readonly #replica = randomUUID();
  /** Slots by holder; a holder without any is not there. */
  readonly #held = new Map<string, Set<string>>();
  readonly #asked = new Set<string>();
  readonly #stop = new AbortController();
  #given = new Map<string, string[]>();
  #giving: Promise<void> = Promise.resolve();
  #renewing: Promise<void> = Promise.resolve();
  #taken = 0;
  #fault: string | null = null;

  private constructor(options: QuotaOptions) {
    this.#options = options;
  }

  static start(options: QuotaOptions): Quota {
    const quota = new Quota(options);
    if (options.most !== null && options.shared !== null) quota.#renewing = quota.#keepRenewing(options.shared);
    return quota;
  }

  /** Holders with slots here: 0 again when all connections have ended (I10). */
  get holders(): number {
    return this.#held.size;
  }

  /** Null when the holder has no slot left. Never rejects for a store that is away. */
  async reserve(holder: string): Promise<Slot | null> {
    const { most, shared } = this.#options;
    if (most === null) return FREE;
    const held = this.#held.get(holder) ?? new Set<string>();
    if (held.size >= most) return null;
    this.#taken += 1;
    const slot = `${this.#replica}:${this.#taken}`;
    held.add(slot);
    this.#held.set(holder, held);
    if (shared !== null && !(await this.#take(shared, { holder, slot, most }))) {
      this.#forget(holder, slot);
      return null;
    }
    return { release: () => this.#release(holder, slot) };
  }

  /** Gives back everything, so that other replicas need not wait until the slots run out. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
    for (const [holder, slots] of this.#held) for (const slot of slots) this.#release(holder, slot);
    await this.#giving;
  }

  async #take(shared: SharedSlots, asked: { holder: string; slot: string; most: number }): Promise<boolean> {
    this.#asked.add(asked.slot);
    try {
      const taken = await shared.take(asked);
      this.#fault = null;
      return taken;
    } catch (error) {
      this.#report(error);
      // This replica's count was within the limit. The next renewal brings the slot into the store.
      return true;
    } finally {
      this.#asked.delete(asked.slot);
    }
  }

  #release(holder: string, slot: string): void {
    if (!this.#forget(holder, slot) || this.#options.shared === null) return;
    const given = this.#given.get(holder);
    if (given !== undefined) return void given.push(slot);
    if (this.#given.size === 0) this.#giving = this.#giving.then(() => this.#give());
    this.#given.set(holder, [slot]);
  }

  #forget(holder: string, slot: string): boolean {
    const held = this.#held.get(holder);
    if (held?.delete(slot) !== true) return false;
    if (held.size === 0) this.#held.delete(holder);
    return true;
  }

  /** Excludes reservations in flight: renewing one would claim a slot that Redis may refuse. */
  #isHeld(holder: string, slot: string): boolean {
    return this.#held.get(holder)?.has(slot) === true && !this.#asked.has(slot);
  }

  /** Gives back what was released since the last time, one command for each holder. */
  async #give(): Promise<void> {
    const given = this.#given;
    this.#given = new Map();
    for (const [holder, slots] of given) {
      try {
        await this.#options.shared?.give(holder, slots);
      } catch (error) {
        this.#report(error);
        // No replica renews them: they run out by themselves.
        return;
      }
    }
  }

  async #keepRenewing(shared: SharedSlots): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await delay(this.#options.renewEveryMs ?? 5_000, undefined, { signal, ref: false }).catch(() => undefined);
      try {
        for (const holder of this.#held.keys()) {
          if (signal.aborted) return;
          const slots = [...(this.#held.get(holder) ?? [])];
          await shared.renew(holder, slots, (slot) => this.#isHeld(holder, slot));
        }
        this.#fault = null;
      } catch (error) {
        this.#report(error);
      }
    }
  }

  #report(error: unknown): void {
    if (!(error instanceof SlotsUnavailable)) throw error;
    if (this.#fault !== error.code) {
      this.#options.logger.warn({ code: error.code }, 'quotas are not shared: each replica counts its own connections');
    }
    this.#fault = error.code;
  }
}
