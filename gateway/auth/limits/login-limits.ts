import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCounters, takePoint, type Counter, type CounterPlace } from './counters.ts';
import { knownDevices, type KnownDevices } from './known-devices.ts';
import { lockoutRegistry, type Lockout, type LockoutRegistry, type LockoutScope } from './lockout-registry.ts';
import { createLockouts, lockoutId, type Lockouts } from './lockouts.ts';
import { networkOf } from './network.ts';
import { createThrottle, type Taken, type Throttle } from './throttle.ts';

/** The caller of a login. `user` and `domain` are folded, see `directory/fold.ts`. */
export interface LoginTry {
  readonly user: string;
  readonly domain: string;
  /** Id of the account that the domain names; null when there is none. */
  readonly account: string | null;
  /** The client's IP address. */
  readonly address: string;
  /** Whether the client sent a former token of this user: the device is then known at any address. */
  readonly holdsToken: boolean;
}

/** Why a try is not judged now. */
export interface LoginDelay {
  readonly scope: LockoutScope;
  readonly retryAfterS: number;
}

export interface CheckedTry {
  /** Null: judge it. */
  readonly delay: LoginDelay | null;
  /** Whether the user has logged in from this address before, or sends a former token. */
  readonly isKnown: boolean;
  /** Lanes of the password queue: tries of one user, or of one unknown address, take turns with those of others. */
  readonly lanes: readonly string[];
}

export type Admission =
  | {
      readonly kind: 'admitted';
      /** Must be called once: only wrong credentials stay counted; every other outcome returns the try. */
      finish(outcome: 'wrong_credentials' | 'right_credentials' | 'not_judged'): Promise<void>;
    }
  | { readonly kind: 'delayed'; readonly delay: LoginDelay }
  /** The hash budget of all replicas remained exhausted. */
  | { readonly kind: 'busy' };

export interface LoginLimits {
  /** Reads only. Called before the queue, and delays the same tries that `admit` would delay. */
  check(attempt: LoginTry): Promise<CheckedTry>;
  /** Takes one try from each limit before the hash: concurrent tries cannot exceed a limit. */
  admit(attempt: LoginTry, isKnown: boolean): Promise<Admission>;
  /** Counts a successful login, with or without a hash. Returns the seconds to wait when there are too many, else 0. */
  succeed(attempt: LoginTry): Promise<number>;
  readonly lockouts: Lockouts;
}

export interface LoginLimitsOptions extends CounterPlace {
  /** Hashes a second over all replicas, default 300. */
  readonly hashesPerSecond?: number;
  /** Successful logins of one user in a minute, default 6,000. */
  readonly successesPerMinute?: number;
  /** A lock-out has begun. */
  readonly onLockout: (lockout: Lockout, attempt: LoginTry) => void;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const QUARTER_HOUR_S = 15 * 60;
const GROWING_S = [5, 10, 20, 40, 60] as const;
const POLICIES = {
  user_and_address: { name: 'pair', free: 10, windowS: QUARTER_HOUR_S, delaysS: GROWING_S },
  known_device: { name: 'device', free: 10, windowS: QUARTER_HOUR_S, delaysS: GROWING_S },
  address: { name: 'address', free: 100, windowS: QUARTER_HOUR_S, delaysS: [2] },
  user: { name: 'user', free: 100, windowS: 3_600, delaysS: [5] },
} as const;
const HASHES_PER_SECOND = 300;
const SUCCESSES_PER_MINUTE = 6_000;
const BUDGET_KEY = 'all';
/** Longest wait for the hash budget; it blocks a turn of the password queue. */
const BUDGET_PATIENCE_MS = 3_000;

interface Limit {
  readonly scope: LockoutScope;
  readonly throttle: Throttle;
  readonly key: string;
}

/** The counters of one resource. */
interface Counters {
  readonly options: LoginLimitsOptions;
  readonly throttles: Readonly<Record<LockoutScope, Throttle>>;
  readonly budget: Counter;
  readonly successes: Counter;
  readonly known: KnownDevices;
  readonly registry: LockoutRegistry;
}

/**
 * Redis counts tries, so that limits hold over all replicas; this process counts while Redis is away. An unknown device
 * is limited by its user name and address together, by its address and by its user; a known one only by failures of its
 * own user, account and address.
 */
export function createLoginLimits(options: LoginLimitsOptions): LoginLimits {
  const counterOf = createCounters(options);
  const counters: Counters = {
    options,
    throttles: {
      user_and_address: createThrottle(POLICIES.user_and_address, counterOf),
      known_device: createThrottle(POLICIES.known_device, counterOf),
      address: createThrottle(POLICIES.address, counterOf),
      user: createThrottle(POLICIES.user, counterOf),
    },
    budget: counterOf('hashes'),
    successes: counterOf('logins'),
    known: knownDevices(counterOf),
    registry: lockoutRegistry(options, options.now),
  };
  return {
    lockouts: createLockouts(counters.registry, Object.values(counters.throttles), options.now),
    check: (attempt) => check(attempt, counters),
    admit: (attempt, isKnown) => admit(attempt, isKnown, counters),
    async succeed(attempt) {
      const limit = { points: options.successesPerMinute ?? SUCCESSES_PER_MINUTE, lastsS: 60 };
      return Math.ceil((await takePoint(counters.successes, keysOf(attempt).account_user, limit)) / 1000);
    },
  };
}

/** Requests all counters at once, whichever are in force: together they are one call of Redis. */
async function check(attempt: LoginTry, counters: Counters): Promise<CheckedTry> {
  const keys = keysOf(attempt);
  const delaysOf = (limits: readonly Limit[]) =>
    Promise.all(limits.map(async ({ scope, throttle, key }) => ({ scope, retryAfterS: await throttle.wait(key) })));
  const [isKnownHere, ofKnown, ofUnknown] = await Promise.all([
    counters.known.has(keys.here),
    delaysOf(limitsOf(attempt, true, counters)),
    delaysOf(limitsOf(attempt, false, counters)),
  ]);
  const isKnown = attempt.holdsToken || isKnownHere;
  const delays = isKnown ? ofKnown : ofUnknown;
  const [delay] = delays.filter(({ retryAfterS }) => retryAfterS > 0).toSorted(byWait);
  const lanes = isKnown ? [`d${keys.known_device}`] : [`u${keys.user}`, `a${keys.address}`];
  return { delay: delay ?? null, isKnown, lanes };
}

/** Takes from the budget and all limits at once. Gives everything back when one of them refuses. */
async function admit(attempt: LoginTry, isKnown: boolean, counters: Counters): Promise<Admission> {
  const { known } = counters;
  const [isWithin, ...tried] = await Promise.all([
    isWithinBudget(counters),
    ...limitsOf(attempt, isKnown, counters).map(async (limit) => ({
      limit,
      taken: await limit.throttle.take(limit.key),
    })),
  ]);
  const all = tried.flatMap(({ limit, taken }) => (taken.kind === 'taken' ? [{ limit, taken }] : []));
  const giveBack = () => Promise.all(all.map(({ taken }) => taken.giveBack()));
  for (const { limit, taken } of tried) {
    if (taken.kind === 'taken') continue;
    await giveBack();
    return { kind: 'delayed', delay: { scope: limit.scope, retryAfterS: taken.retryAfterS } };
  }
  if (!isWithin) {
    await giveBack();
    return { kind: 'busy' };
  }
  return {
    kind: 'admitted',
    async finish(outcome) {
      if (outcome === 'wrong_credentials') {
        await Promise.all(all.map((one) => note(attempt, one, counters)));
        return;
      }
      const isRight = outcome === 'right_credentials';
      await Promise.all([giveBack(), isRight && known.remember(keysOf(attempt).here)]);
    },
  };
}

interface TakenLimit {
  readonly limit: Limit;
  readonly taken: Taken & { readonly kind: 'taken' };
}

function limitsOf(attempt: LoginTry, isKnown: boolean, { throttles }: Counters): readonly Limit[] {
  const keys = keysOf(attempt);
  const scopes = isKnown ? (['known_device'] as const) : (['user_and_address', 'address', 'user'] as const);
  return scopes.map((scope) => ({ scope, throttle: throttles[scope], key: keys[scope] }));
}

/** Records the lock-out that a failure began or extended. */
async function note(attempt: LoginTry, { limit, taken }: TakenLimit, { registry, options }: Counters): Promise<void> {
  if (!taken.isDelayed) return;
  const lockout = lockoutOf(attempt, limit);
  if (await registry.note(lockout, options.now() + taken.windowS * 1000)) options.onLockout(lockout, attempt);
}

/** Waits for the budget, so that an exhausted budget slows down the password queue and the queue stays fair. */
async function isWithinBudget({ budget, options }: Counters): Promise<boolean> {
  const { now } = options;
  const end = now() + BUDGET_PATIENCE_MS;
  for (;;) {
    const waitMs = await takePoint(budget, BUDGET_KEY, {
      points: options.hashesPerSecond ?? HASHES_PER_SECOND,
      lastsS: 1,
    });
    if (waitMs === 0) return true;
    if (now() + waitMs > end) return false;
    await sleep(waitMs);
  }
}

function byWait(a: LoginDelay, b: LoginDelay): number {
  return b.retryAfterS - a.retryAfterS;
}

function lockoutOf({ user, domain, address, holdsToken }: LoginTry, { scope, throttle, key }: Limit): Lockout {
  return {
    id: lockoutId(throttle, key),
    scope,
    username: scope === 'address' ? null : user,
    domain: scope === 'user' || scope === 'known_device' ? domain : null,
    address: scope === 'user' || (scope === 'known_device' && holdsToken) ? null : networkOf(address),
  };
}

/**
 * Hashed, so that the counters contain no names; JSON distinguishes `a`+`bc` from `ab`+`c`. No key of an unknown device
 * depends on whether the domain exists: otherwise the limits would reveal it.
 */
function keysOf({ user, domain, account, address, holdsToken }: LoginTry) {
  const network = networkOf(address);
  const here = digest([user, account ?? '', network]);
  return {
    here,
    user_and_address: digest([user, network]),
    address: digest([network]),
    user: digest([user, domain]),
    known_device: holdsToken ? digest([user, account ?? '', 'token']) : here,
    account_user: digest([user, account ?? '']),
  };
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
