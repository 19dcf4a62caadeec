import type { CounterPlace } from './throttle.ts';
import { resourceKeys } from '../../../protocol/keys.ts';

const REMEMBERED_S = 30 * 24 * 3_600;
const MAX_IN_MEMORY = 100_000;

/** The addresses from which a user has logged in before: failures of others do not delay such a device. */
export interface KnownDevices {
  remember(key: string): Promise<void>;
  has(key: string): Promise<boolean>;
}

/** In Redis for 30 days, and in this process while Redis is away: bounded, the longest unused goes first. */
export function knownDevices({ redis, prefix, resource }: CounterPlace): KnownDevices {
  const recent = new Set<string>();
  const keyOf = (key: string) => `${resourceKeys(prefix, resource).limit('known')}:${key}`;
  return {
    async remember(key) {
      recent.delete(key);
      recent.add(key);
      const [oldest] = recent;
      if (recent.size > MAX_IN_MEMORY && oldest !== undefined) recent.delete(oldest);
      try {
        await redis?.set(keyOf(key), '1', 'EX', REMEMBERED_S);
      } catch {
        // Redis is away, which its client has logged: this process remembers.
      }
    },
    async has(key) {
      if (recent.has(key)) return true;
      try {
        return redis !== null && (await redis.exists(keyOf(key))) === 1;
      } catch {
        return false; // Redis is away, which its client has logged: only what this process saw is known.
      }
    },
  };
}
