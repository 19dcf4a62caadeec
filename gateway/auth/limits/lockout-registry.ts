import { z } from 'zod';
import { resourceKeys } from '../../../protocol/keys.ts';
import type { RedisClient } from '../../../runtime/redis/client.ts';
import { redisErrorCode } from '../../../runtime/redis/error-code.ts';
import type { CounterPlace } from './counters.ts';

const LOCKOUT_SCOPES = ['user_and_address', 'known_device', 'address', 'user'] as const;
/** Delayed tries: all of an address, all of a user from unknown addresses, or those of a user from one address. */
export type LockoutScope = (typeof LOCKOUT_SCOPES)[number];

const lockoutSchema = z.object({
  id: z.string(),
  scope: z.enum(LOCKOUT_SCOPES),
  /** As given at login; null: any user. */
  username: z.string().nullable(),
  domain: z.string().nullable(),
  /** An IPv4 address or an IPv6 /64; null: any address. */
  address: z.string().nullable(),
});
export type Lockout = z.output<typeof lockoutSchema>;

/** The lock-outs of all replicas. The counters contain only digests, and an administrator needs the names. */
export interface LockoutRegistry {
  /** Returns false when it is known already. `until`, in Unix milliseconds, is its end. */
  note(lockout: Lockout, until: number): Promise<boolean>;
  /** Ordered by their end, the last one first. Rejects with a LockoutsUnavailable. */
  list(): Promise<Lockout[]>;
  /** Rejects with a LockoutsUnavailable. */
  remove(lockouts: readonly Lockout[]): Promise<void>;
}

export class LockoutsUnavailable extends Error {
  override readonly name = 'LockoutsUnavailable';
  readonly code: string;
  constructor(code: string) {
    super(`the lock-outs cannot be read now: ${code}`);
    this.code = code;
  }
}

/** Longest window of a throttle. */
const LONGEST_MS = 3_600_000;
/** Largest number of lock-outs in the list: those that end first are dropped first. */
const MOST_LOCKOUTS = 1_000;

export function lockoutRegistry({ redis, ...place }: CounterPlace, now: () => number): LockoutRegistry {
  const inProcess = memoryRegistry(now);
  return redis === null ? inProcess : redisRegistry(redis, { ...place, now, inProcess });
}

function memoryRegistry(now: () => number): LockoutRegistry {
  const ends = new Map<string, { lockout: Lockout; until: number }>();
  const prune = () => {
    for (const [id, { until }] of ends) if (until <= now()) ends.delete(id);
  };
  return {
    async note(lockout, until) {
      prune();
      const isNew = !ends.has(lockout.id);
      ends.delete(lockout.id);
      ends.set(lockout.id, { lockout, until });
      const [first] = ends.keys();
      if (ends.size > MOST_LOCKOUTS && first !== undefined) ends.delete(first);
      return isNew;
    },
    async list() {
      prune();
      return [...ends.values()].toSorted((a, b) => b.until - a.until).map(({ lockout }) => lockout);
    },
    async remove(lockouts) {
      for (const { id } of lockouts) ends.delete(id);
    },
  };
}

interface RedisRegistryOptions {
  readonly prefix: string;
  readonly resource: string;
  readonly now: () => number;
  /** Keeps counts while Redis is away. */
  readonly inProcess: LockoutRegistry;
}

/** One sorted set for each resource: lock-outs as JSON by their end. */
function redisRegistry(redis: RedisClient, { prefix, resource, now, inProcess }: RedisRegistryOptions) {
  const key = resourceKeys(prefix, resource).limit('lockouts');
  const reached = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      // Not attached as a cause: an ioredis error contains the command's arguments.
      throw new LockoutsUnavailable(redisErrorCode(error));
    }
  };
  const registry: LockoutRegistry = {
    async note(lockout, until) {
      try {
        const added = await redis.zadd(key, until, JSON.stringify(lockout));
        await redis.zremrangebyscore(key, '-inf', now());
        await redis.zremrangebyrank(key, 0, -MOST_LOCKOUTS - 1);
        await redis.pexpire(key, LONGEST_MS);
        return added === 1;
      } catch {
        // Redis is away, which its client has logged: this replica adds its own lock-outs to the list once Redis is
        // back.
        return inProcess.note(lockout, until);
      }
    },
    async list() {
      const members = await reached(redis.zrangebyscore(key, now(), '+inf'));
      const listed = members.toReversed().map((member) => lockoutSchema.parse(JSON.parse(member)));
      const known = new Set(listed.map(({ id }) => id));
      return [...listed, ...(await inProcess.list()).filter(({ id }) => !known.has(id))];
    },
    async remove(lockouts) {
      await inProcess.remove(lockouts);
      if (lockouts.length > 0) await reached(redis.zrem(key, ...lockouts.map((lockout) => JSON.stringify(lockout))));
    },
  };
  return registry;
}
