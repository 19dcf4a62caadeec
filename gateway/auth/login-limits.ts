import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { resourceKeys } from '../../protocol/keys.ts';
import { knownAddresses } from './known-addresses.ts';

/** Who tries: `user` and `domain` as given (or the account's id), `address` as the client's IP address. */
export interface LoginTry {
  readonly user: string;
  readonly domain: string;
  readonly address: string;
}

export type Admission =
  | {
      readonly kind: 'admitted';
      /** Must be called once: only wrong credentials stay counted, everything else gives the try back. */
      settle(outcome: 'wrong_credentials' | 'right_credentials' | 'not_judged'): Promise<void>;
    }
  | { readonly kind: 'limited'; readonly retryAfterS: number };

export interface LoginLimits {
  /** Reads only: turns away early what is used up already. Null when nothing is. */
  check(attempt: LoginTry): Promise<{ readonly retryAfterS: number } | null>;
  /** Takes one try from every limit at once, before the hash: tries in flight cannot overshoot. */
  admit(attempt: LoginTry): Promise<Admission>;
}

export interface LoginLimitsOptions {
  /** Null: in this process alone. */
  readonly redis: RedisClient | null;
  readonly prefix: string;
  readonly resource: string;
  /** Hashes a second over all replicas, default 300. */
  readonly hashesPerSecond?: number;
}

const PER_PAIR = { points: 10, duration: 15 * 60 };
const PER_ADDRESS = { points: 100, duration: 15 * 60 };
const PER_USER = { points: 200, duration: 3_600 };
const BUDGET_KEY = 'all';

interface Counter {
  readonly limiter: RateLimiterAbstract;
  readonly key: string;
}

/** Tries are counted in Redis, so that limits hold over all replicas; in this process while Redis is away. */
export function createLoginLimits(options: LoginLimitsOptions): LoginLimits {
  const limiters = {
    pair: limiter('pair', PER_PAIR, options),
    address: limiter('address', PER_ADDRESS, options),
    user: limiter('user', PER_USER, options),
  };
  const budget = limiter('hashes', { points: options.hashesPerSecond ?? 300, duration: 1 }, options);
  const known = knownAddresses(options.redis, resourceKeys(options.prefix, options.resource).limit('known'));

  /** The counters of a try. One from everywhere does not bind an address that the user has logged in from. */
  const countersOf = (keys: ReturnType<typeof keysOf>, isKnown: boolean): Counter[] => [
    { limiter: limiters.pair, key: keys.pair },
    { limiter: limiters.address, key: keys.address },
    ...(isKnown ? [] : [{ limiter: limiters.user, key: keys.user }]),
  ];

  return {
    async check(attempt) {
      const keys = keysOf(attempt);
      const counters = countersOf(keys, await known.has(keys.pair));
      const states = await Promise.all(counters.map(({ limiter, key }) => limiter.get(key)));
      const waits = states.flatMap((state) => (state !== null && state.remainingPoints <= 0 ? [waitOf(state)] : []));
      return waits.length === 0 ? null : { retryAfterS: Math.max(...waits) };
    },
    async admit(attempt) {
      const keys = keysOf(attempt);
      const isKnown = await known.has(keys.pair);
      if ((await take({ limiter: budget, key: BUDGET_KEY })) !== null) return { kind: 'limited', retryAfterS: 1 };
      const counters = countersOf(keys, isKnown);
      const waits = await Promise.all(counters.map(take));
      const giveBack = () => Promise.all(counters.map(({ limiter, key }) => limiter.reward(key, 1)));
      const wait = Math.max(...waits.map((wait) => wait ?? 0));
      if (wait > 0) {
        await giveBack();
        return { kind: 'limited', retryAfterS: wait };
      }
      return {
        kind: 'admitted',
        async settle(outcome) {
          if (outcome === 'wrong_credentials') return;
          const isRight = outcome === 'right_credentials';
          await Promise.all([giveBack(), isRight ? known.remember(keys.pair) : null]);
        },
      };
    },
  };
}

/** Null when the try was within the limit, else the seconds to wait. */
async function take({ limiter, key }: Counter): Promise<number | null> {
  try {
    await limiter.consume(key, 1);
    return null;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return waitOf(refusal);
    throw refusal;
  }
}

function waitOf(state: RateLimiterRes): number {
  return Math.max(1, Math.ceil(state.msBeforeNext / 1000));
}

function limiter(
  name: string,
  limit: { points: number; duration: number },
  { redis, prefix, resource }: LoginLimitsOptions,
): RateLimiterAbstract {
  const settings = { ...limit, keyPrefix: resourceKeys(prefix, resource).limit(name) };
  const inProcess = new RateLimiterMemory(settings);
  if (redis === null) return inProcess;
  return new RateLimiterRedis({
    ...settings,
    storeClient: redis,
    rejectIfRedisNotReady: true,
    insuranceLimiter: inProcess,
  });
}

/** Hashed, so that Redis holds no user names; a separator that JSON escapes keeps `a`+`bc` and `ab`+`c` apart. */
function keysOf({ user, domain, address }: LoginTry) {
  const network = networkOf(address);
  const who = [user.toLowerCase(), domain.toLowerCase()];
  return { pair: digest([...who, network]), address: digest([network]), user: digest(who) };
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** An IPv4 address, or the /64 of an IPv6 one: whoever has one address of it has all of them. */
export function networkOf(address: string): string {
  const bare = address.split('%')[0] ?? '';
  if (!ipaddr.isValid(bare)) return 'unknown';
  const parsed = ipaddr.process(bare);
  if (parsed instanceof ipaddr.IPv6) return `${parsed.parts.slice(0, 4).join(':')}/64`;
  return parsed.toString();
}
