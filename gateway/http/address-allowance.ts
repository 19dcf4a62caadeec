import ipaddr from 'ipaddr.js';

export interface AllowanceLimits {
  /** Requests and connections that an address may make at once. */
  readonly burst: number;
  /** And from then on, a second. */
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  /** Milliseconds of a clock that never goes back. */
  at: number;
  /** When it was last put behind the others. */
  orderedAt: number;
}

/** Addresses that are remembered; beyond it the one that was seen longest ago is forgotten. */
const MOST_ADDRESSES = 20_000;

/**
 * The order of addresses is as exact as this. To move a key of a Map leaves a table behind at each move, and once one of
 * these is old every later one stays until the collector looks at old objects.
 */
const ORDERED_EVERY_MS = 1_000;

/**
 * How many connections and further requests each address may make: a token bucket an address, asked before anything is routed.
 * What succeeds (a login, an upgrade) gives its token back, so that honest clients behind one address do not hold each
 * other up. Of IPv6 a network of 64 bits is one address. `now` in milliseconds of a clock that never goes back.
 */
export class AddressAllowance {
  readonly #limits: AllowanceLimits;
  /** Ordered by when they were last seen, to a second; an address whose bucket is full again is forgotten. */
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

  /** Looks at the two addresses that were seen longest ago: each call adds one at most, so the list shrinks again. */
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
