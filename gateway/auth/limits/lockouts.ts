import { foldName } from '../../directory/fold.ts';
import type { Lockout, LockoutRegistry } from './lockout-registry.ts';
import { networkOf } from './network.ts';
import type { Throttle } from './throttle.ts';

/** A lock-out as an administrator sees it. Times in Unix milliseconds. */
export interface ShownLockout extends Lockout {
  readonly failures: number;
  readonly nextTryAt: number;
  /** When its failures expire. */
  readonly until: number;
}

/** Which lock-outs are lifted: one by its id, all that name a user or an address, or all. */
type LockoutFilter =
  { readonly id: string } | { readonly username: string } | { readonly address: string } | { readonly all: true };

export interface Lockouts {
  /** Rejects with a LockoutsUnavailable. */
  list(): Promise<ShownLockout[]>;
  /** Returns the ids of the lifted ones. Rejects with a LockoutsUnavailable. */
  lift(filter: LockoutFilter): Promise<string[]>;
}

/** An id contains the throttle's name and the key of its counters. */
export function lockoutId(throttle: Throttle, key: string): string {
  return `${throttle.policy.name}:${key}`;
}

export function createLockouts(registry: LockoutRegistry, throttles: readonly Throttle[], now: () => number): Lockouts {
  const countersOf = ({ id }: Lockout) => {
    const throttle = throttles.find(({ policy }) => id.startsWith(`${policy.name}:`));
    return throttle === undefined ? null : { throttle, key: id.slice(throttle.policy.name.length + 1) };
  };
  return {
    async list() {
      const shown = await Promise.all(
        (await registry.list()).map(async (lockout) => {
          const counters = countersOf(lockout);
          if (counters === null) return [];
          const { failures, retryAfterS, windowS } = await counters.throttle.read(counters.key);
          if (failures < counters.throttle.policy.free) return [];
          return [{ ...lockout, failures, nextTryAt: now() + retryAfterS * 1000, until: now() + windowS * 1000 }];
        }),
      );
      return shown.flat();
    },
    async lift(filter) {
      const meant = (await registry.list()).filter((lockout) => isMeant(lockout, filter));
      await Promise.all(
        meant.map(async (lockout) => {
          const counters = countersOf(lockout);
          await counters?.throttle.lift(counters.key);
        }),
      );
      await registry.remove(meant);
      return meant.map(({ id }) => id);
    },
  };
}

function isMeant(lockout: Lockout, filter: LockoutFilter): boolean {
  if ('all' in filter) return true;
  if ('id' in filter) return lockout.id === filter.id;
  if ('username' in filter) return lockout.username === foldName(filter.username);
  return lockout.address === networkOf(filter.address);
}
