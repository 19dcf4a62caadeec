import ipaddr from 'ipaddr.js';

export interface AllowanceLimits {
  /** Requests and connections that an address may make at once. */
  readonly burst: number;
  /** Further ones for each second. */
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  /** Milliseconds of a monotonic clock. */
  at: number;
  /** When it was last moved to the end of the order. */
  orderedAt: number;
}

/** Most addresses in memory; beyond it the least recently seen one is dropped. */
const MOST_ADDRESSES = 20_000;

/**
 * Precision of the order of addresses. Moving a key of a Map allocates a new table each time. Once one of these tables
 * is old, every later one survives until a full garbage collection.
 */
const ORDERED_EVERY_MS = 1_000;

/**
 * How many connections and further requests each address may make: a token bucket for each address, checked before
 * routing. A success (a login, an upgrade) returns its token, so that honest clients behind one address do not block
 * each other. A /64 network of IPv6 counts as one address. `now` in milliseconds of a monotonic clock.
 */
export class AddressAllowance {
  readonly #limits: AllowanceLimits;
  /** Ordered by the last use, to a second; an address whose bucket is full again is dropped. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: AllowanceLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token; false when the address has none left. */
  take(address: string, now: number): boolean {
    const key = networkOf(address);
    const tokens = this.#refilled(key, now);
    this.#put(key, tokens < 1 ? tokens : tokens - 1, now);
    this.#forgetSome(now);
    return tokens >= 1;
  }

  /** Whether the address has a token left. */
  has(address: string, now: number): boolean {
    return this.#refilled(networkOf(address), now) >= 1;
  }

  giveBack(address: string, now: number): void {
    const key = networkOf(address);
    const left = this.#refilled(key, now) + 1;
    if (left >= this.#limits.burst) this.#buckets.delete(key);
    else this.#put(key, left, now);
  }

  #put(key: string, tokens: number, now: number): void {
    const bucket = this.#buckets.get(key) ?? { tokens, at: now, orderedAt: Number.NEGATIVE_INFINITY };
    bucket.tokens = tokens;
    bucket.at = now;
    if (now - bucket.orderedAt < ORDERED_EVERY_MS) return;
    bucket.orderedAt = now;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
  }

  #refilled(key: string, now: number): number {
    const { burst, perSecond } = this.#limits;
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return burst;
    return Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1_000) * perSecond);
  }

  /** Checks the two least recently used addresses: each call adds at most one, so the list shrinks again. */
  #forgetSome(now: number): void {
    let looked = 0;
    for (const key of this.#buckets.keys()) {
      const isFull = this.#refilled(key, now) >= this.#limits.burst;
      if (isFull || this.#buckets.size > MOST_ADDRESSES) this.#buckets.delete(key);
      looked += 1;
      if (looked === 2) return;
    }
  }
}

const IPV6_GROUPS = 4;

/** The network that counts as one address. Pure. */
export function networkOf(address: string): string {
  if (!address.includes(':') || !ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${(parsed as ipaddr.IPv6).parts
    .slice(0, IPV6_GROUPS)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
