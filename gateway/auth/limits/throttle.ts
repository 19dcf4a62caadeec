import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { resourceKeys } from '../../../protocol/keys.ts';
import type { RedisClient } from '../../../runtime/redis/client.ts';

/**
 * Where counters are kept: in Redis, so that they hold over all replicas, and in this process alone while it is away.
 */
export interface CounterPlace {
  /** Null: this process is the only replica. */
  readonly redis: RedisClient | null;
  readonly prefix: string;
  readonly resource: string;
}

export interface ThrottlePolicy {
  readonly name: string;
  /** Failures of a window before delays begin. */
  readonly free: number;
  readonly windowS: number;
  /**
   * Seconds between two tries once the free ones are used up: one value for each further try, the last one for all that
   * follow.
   */
  readonly delaysS: readonly [number, ...number[]];
}

export type Taken =
  | {
      readonly kind: 'taken';
      /** Failures of the window, with this try if it is one. */
      readonly failures: number;
      /** Seconds until the window ends. */
      readonly windowS: number;
      /** Whether delays are in force for the tries that follow. */
      readonly isDelayed: boolean;
      /** For a try that was not a failure. */
      giveBack(): Promise<void>;
    }
  | { readonly kind: 'delayed'; readonly retryAfterS: number };

interface ThrottleState {
  readonly failures: number;
  /** Seconds until the next try is judged; 0: now. */
  readonly retryAfterS: number;
  /** Seconds until all failures are forgotten. */
  readonly windowS: number;
}

/** Counts failures by key, and delays tries where there were too many: it never locks a key for long. */
export interface Throttle {
  readonly policy: ThrottlePolicy;
  /** Reads only: seconds until the next try of this key is judged, 0 for now. */
  wait(key: string): Promise<number>;
  /** Takes one try before it is judged, so that tries in flight cannot overshoot. */
  take(key: string): Promise<Taken>;
  read(key: string): Promise<ThrottleState>;
  /** Forgets all failures of a key. */
  lift(key: string): Promise<void>;
}

/** A throttle with two counters a key: failures of the window, and the one try that a delay allows. */
export function createThrottle(policy: ThrottlePolicy, place: CounterPlace): Throttle {
  const failures = counter(policy.name, { points: policy.free, duration: policy.windowS }, place);
  const pace = counter(`${policy.name}-delay`, { points: 1, duration: policy.delaysS[0] }, place);

  const take = async (key: string): Promise<Taken> => {
    const counted = await failures.penalty(key, 1);
    const giveBack = async () => void (await failures.reward(key, 1));
    const state = { failures: counted.consumedPoints, windowS: secondsOf(counted) };
    if (state.failures < policy.free) return { kind: 'taken', ...state, isDelayed: false, giveBack };
    const waitMs = await takePoint(pace, key, delayOf(policy, state.failures));
    if (waitMs > 0) {
      await giveBack();
      return { kind: 'delayed', retryAfterS: Math.ceil(waitMs / 1000) };
    }
    return {
      kind: 'taken',
      ...state,
      isDelayed: true,
      giveBack: async () => void (await Promise.all([giveBack(), pace.delete(key)])),
    };
  };

  return {
    policy,
    take,
    async wait(key) {
      const state = await pace.get(key);
      return state === null ? 0 : secondsOf(state);
    },
    async read(key) {
      const [counted, delay] = await Promise.all([failures.get(key), pace.get(key)]);
      return {
        failures: Math.max(0, counted?.consumedPoints ?? 0),
        retryAfterS: delay === null ? 0 : secondsOf(delay),
        windowS: counted === null ? 0 : secondsOf(counted),
      };
    },
    async lift(key) {
      await Promise.all([failures.delete(key), pace.delete(key)]);
    },
  };
}

/** Seconds between this failure and the next try. */
export function delayOf({ free, delaysS }: ThrottlePolicy, failures: number): number {
  return delaysS[Math.min(failures - free, delaysS.length - 1)] ?? delaysS[0];
}

/** A counter of rate-limiter-flexible, under a key of the resource. */
export function counter(
  name: string,
  limit: { readonly points: number; readonly duration: number },
  { redis, prefix, resource }: CounterPlace,
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

/** 0 when the point was taken, else the milliseconds to wait. `customDuration` (s) is the lifetime of a key made here. */
export async function takePoint(limiter: RateLimiterAbstract, key: string, customDuration?: number): Promise<number> {
  try {
    await limiter.consume(key, 1, customDuration === undefined ? {} : { customDuration });
    return 0;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return Math.max(1, refusal.msBeforeNext);
    throw refusal;
  }
}

function secondsOf(state: RateLimiterRes): number {
  return Math.max(1, Math.ceil(state.msBeforeNext / 1000));
}
