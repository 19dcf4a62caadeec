import type { RedisClient } from '../../runtime/redis/client.ts';

const REMEMBERED_S = 30 * 24 * 3_600;
const MAX_IN_MEMORY = 100_000;

/** From where a user has logged in before: such an address stays open when others have used up the user's tries. */
export interface KnownAddresses {
  remember(key: string): Promise<void>;
  has(key: string): Promise<boolean>;
}

/** In Redis for 30 days, and in this process as an insurance: bounded, the longest unused goes first. */
export function knownAddresses(redis: RedisClient | null, keyPrefix: string): KnownAddresses {
  const recent = new Set<string>();
  return {
    async remember(key) {
      recent.delete(key);
      recent.add(key);
      const [oldest] = recent;
      if (recent.size > MAX_IN_MEMORY && oldest !== undefined) recent.delete(oldest);
      try {
        await redis?.set(`${keyPrefix}:${key}`, '1', 'EX', REMEMBERED_S);
      } catch {
        // Redis is away: this process remembers, and its own client has logged the outage.
      }
    },
    async has(key) {
      if (recent.has(key)) return true;
      try {
        return redis !== null && (await redis.exists(`${keyPrefix}:${key}`)) === 1;
      } catch {
        return false; // Redis is away: only what this process saw is known.
      }
    },
  };
}
