import { takePoint, type Counted, type CounterOf } from './counters.ts';

export interface ThrottlePolicy {
  readonly name: string;
  /** Failures in a window before delays begin. */
  readonly free: number;
  readonly windowS: number;
  /**
   * Seconds between two tries once the free ones are used up: one value for each further try; the last one applies to
   * all later ones.
   */
  readonly delaysS: readonly [number, ...number[]];
}

export type Taken =
  | {
      readonly kind: 'taken';
      /** Failures in the window, including this try if it is one. */
      readonly failures: number;
      /** Seconds until the window ends. */
      readonly windowS: number;
      /** Whether later tries are delayed. */
      readonly isDelayed: boolean;
      /** For a try that was not a failure. */
      giveBack(): Promise<void>;
    }
  | { readonly kind: 'delayed'; readonly retryAfterS: number };

interface ThrottleState {
  readonly failures: number;
  /** Seconds until the next try is judged; 0: now. */
  readonly retryAfterS: number;
  /** Seconds until all failures expire. */
  readonly windowS: number;
}

/** Counts failures by key, and delays tries when there are too many: it never locks a key for long. */
export interface Throttle {
  readonly policy: ThrottlePolicy;
  /** Reads only: seconds until the next try of this key is judged, 0 for now. */
  wait(key: string): Promise<number>;
  /** Takes one try before it is judged, so that concurrent tries cannot exceed the limit. */
  take(key: string): Promise<Taken>;
  read(key: string): Promise<ThrottleState>;
  /** Removes all failures of a key. */
  lift(key: string): Promise<void>;
}

/** A throttle with two counters for each key: failures of the window, and the one try that a delay allows. */
export function createThrottle(policy: ThrottlePolicy, counterOf: CounterOf): Throttle {
  const { windowS } = policy;
  const failures = counterOf(policy.name);
  const pace = counterOf(`${policy.name}-delay`);

  const take = async (key: string): Promise<Taken> => {
    const counted = await failures.add(key, 1, windowS);
    const giveBack = async () => void (await failures.add(key, -1, windowS));
    const state = { failures: counted.count, windowS: secondsOf(counted) };
    if (state.failures < policy.free) return { kind: 'taken', ...state, isDelayed: false, giveBack };
    const waitMs = await takePoint(pace, key, { points: 1, lastsS: delayOf(policy, state.failures) });
    if (waitMs > 0) {
      await giveBack();
      return { kind: 'delayed', retryAfterS: Math.ceil(waitMs / 1000) };
    }
    return {
      kind: 'taken',
      ...state,
      isDelayed: true,
      giveBack: async () => void (await Promise.all([giveBack(), pace.drop(key)])),
    };
  };

  return {
    policy,
    take,
    wait: async (key) => secondsOf(await pace.see(key)),
    async read(key) {
      const [counted, delay] = await Promise.all([failures.see(key), pace.see(key)]);
      return {
        failures: Math.max(0, counted.count),
        retryAfterS: secondsOf(delay),
        windowS: secondsOf(counted),
      };
    },
    async lift(key) {
      await Promise.all([failures.drop(key), pace.drop(key)]);
    },
  };
}

/** Seconds between this failure and the next try. */
export function delayOf({ free, delaysS }: ThrottlePolicy, failures: number): number {
  return delaysS[Math.min(failures - free, delaysS.length - 1)] ?? delaysS[0];
}

function secondsOf({ leftMs }: Counted): number {
  return Math.ceil(leftMs / 1000);
}
