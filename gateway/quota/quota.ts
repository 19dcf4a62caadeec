import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../runtime/logging/logger.ts';
import { SlotsUnavailable, type HolderKind, type SharedSlots } from './shared-slots.ts';

/** A connection's slot within a quota. */
export interface Slot {
  /** Call when the connection has ended, or was never opened. A second call does nothing. */
  release(): void;
}

export interface QuotaOptions {
  readonly of: HolderKind;
  /** Connections of one holder, over all replicas. */
  readonly most: number;
  /** Null: this process is the only replica. */
  readonly shared: SharedSlots | null;
  readonly logger: Logger;
  /** Time between two renewals of the slots of this replica, default 5 s: well within their lifetime. */
  readonly renewEveryMs?: number;
}

/** Slot names of this process are unique among all processes. */
const PROCESS = randomUUID();
let named = 0;

/** A slot of each quota for one connection. */
class Slots implements Slot {
  readonly #quotas: readonly Quota[];
  readonly #holders: readonly string[];
  readonly #name: string;

  constructor(quotas: readonly Quota[], holders: readonly string[], name: string) {
    this.#quotas = quotas;
    this.#holders = holders;
    this.#name = name;
  }

  release(): void {
    for (const [at, quota] of this.#quotas.entries()) quota.release(this.#holders[at] ?? '', this.#name);
  }
}

/**
 * A slot of each quota, one holder for each, or none: the index of the first quota that is full. Redis is called once
 * for all. Never rejects because of an unavailable store.
 */
export async function reserveOfEach(quotas: readonly Quota[], holders: readonly string[]): Promise<Slot | number> {
  named += 1;
  const name = `${PROCESS}:${named}`;
  const forget = (count: number) => {
    for (const [at, quota] of quotas.slice(0, count).entries()) quota.forget(holders[at] ?? '', name);
  };
  for (const [at, quota] of quotas.entries()) {
    if (quota.hold(holders[at] ?? '', name)) continue;
    forget(at);
    return at;
  }
  const full = await take(quotas, holders, name);
  if (full === null) return new Slots(quotas, holders, name);
  forget(quotas.length);
  return full;
}

/** In the store that the quotas share. */
async function take(quotas: readonly Quota[], holders: readonly string[], slot: string): Promise<number | null> {
  const shared = quotas[0]?.shared ?? null;
  if (shared === null) return null;
  for (const quota of quotas) quota.asks(slot);
  try {
    const asked = quotas.map(({ of, most }, at) => ({ of, most, slot, holder: holders[at] ?? '' }));
    const full = await shared.take(asked);
    for (const quota of quotas) quota.reached();
    return full;
  } catch (error) {
    for (const quota of quotas) quota.report(error);
    // This replica's counts were within the limits. The next renewal adds the slot to the store.
    return null;
  } finally {
    for (const quota of quotas) quota.hasAsked(slot);
  }
}

/**
 * Counts the connections of each holder, an account or a user, over all replicas. A replica has its slots only while it
 * renews them, so that a killed one leaves none behind. While the store is unavailable, the replica's own count
 * decides.
 */
export class Quota implements AsyncDisposable {
  readonly #options: QuotaOptions;
  /** Slots by holder; a holder without slots is absent. */
  readonly #held = new Map<string, Set<string>>();
  readonly #asked = new Set<string>();
  readonly #stop = new AbortController();
  #given = new Map<string, string[]>();
  #giving: Promise<void> = Promise.resolve();
  #renewing: Promise<void> = Promise.resolve();
  #fault: string | null = null;

  private constructor(options: QuotaOptions) {
    this.#options = options;
  }

  static start(options: QuotaOptions): Quota {
    const quota = new Quota(options);
    if (options.shared !== null) quota.#renewing = quota.#keepRenewing(options.shared);
    return quota;
  }

  /** Holders with slots here: 0 again when all connections have ended (I10). */
  get holders(): number {
    return this.#held.size;
  }

  get of(): HolderKind {
    return this.#options.of;
  }

  get most(): number {
    return this.#options.most;
  }

  get shared(): SharedSlots | null {
    return this.#options.shared;
  }

  /** Null when the holder has no slot left. Never rejects because of an unavailable store. */
  async reserve(holder: string): Promise<Slot | null> {
    const reserved = await reserveOfEach([this], [holder]);
    return typeof reserved === 'number' ? null : reserved;
  }

  /** Counts a slot of this replica; false when the holder's limit is reached on this replica alone. */
  hold(holder: string, slot: string): boolean {
    const held = this.#held.get(holder) ?? new Set<string>();
    if (held.size >= this.most) return false;
    held.add(slot);
    this.#held.set(holder, held);
    return true;
  }

  /** A request for this slot is pending: it is not renewed in the meantime. */
  asks(slot: string): void {
    this.#asked.add(slot);
  }

  hasAsked(slot: string): void {
    this.#asked.delete(slot);
  }

  /** The store has answered. */
  reached(): void {
    this.#fault = null;
  }

  /** Releases everything, so that other replicas need not wait until the slots expire. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
    for (const [holder, slots] of this.#held) for (const slot of slots) this.release(holder, slot);
    await this.#giving;
  }

  /** A second call does nothing. */
  release(holder: string, slot: string): void {
    if (!this.forget(holder, slot) || this.#options.shared === null) return;
    const given = this.#given.get(holder);
    if (given !== undefined) return void given.push(slot);
    if (this.#given.size === 0) this.#giving = this.#giving.then(() => this.#give());
    this.#given.set(holder, [slot]);
  }

  /** Without releasing it in the store. */
  forget(holder: string, slot: string): boolean {
    const held = this.#held.get(holder);
    if (held?.delete(slot) !== true) return false;
    if (held.size === 0) this.#held.delete(holder);
    return true;
  }

  /** Excludes reservations in flight: renewing one would claim a slot that Redis may refuse. */
  #isHeld(holder: string, slot: string): boolean {
    return this.#held.get(holder)?.has(slot) === true && !this.#asked.has(slot);
  }

  /** Releases slots since the last call, one command for each holder. */
  async #give(): Promise<void> {
    const given = this.#given;
    this.#given = new Map();
    for (const [holder, slots] of given) {
      try {
        await this.#options.shared?.give(this.of, holder, slots);
      } catch (error) {
        this.report(error);
        // No replica renews them: they expire by themselves.
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
          await shared.renew({ of: this.of, holder }, slots, (slot) => this.#isHeld(holder, slot));
        }
        this.#fault = null;
      } catch (error) {
        this.report(error);
      }
    }
  }

  /** Logs an unavailable store once. */
  report(error: unknown): void {
    if (!(error instanceof SlotsUnavailable)) throw error;
    if (this.#fault !== error.code) {
      this.#options.logger.warn({ code: error.code }, 'quotas are not shared: each replica counts its own connections');
    }
    this.#fault = error.code;
  }
}
