import { createHmac, createSecretKey, randomBytes } from 'node:crypto';

/** Passwords that matched a moment ago, as keyed MACs: a reconnect costs no hash. */
export interface RememberedPasswords {
  /** The key of a cached password. `user` distinguishes users whose hashes are equal. */
  keyOf(user: string, hash: string | null, password: string): string;
  has(key: string): boolean;
  add(key: string): void;
  /** Most cached passwords. */
  readonly size: number;
}

const LASTS_MS = 30_000;
const MOST = 10_000;

/**
 * The MAC's key (HMAC-SHA-256) exists only in this process, and the MAC covers the stored hash: a changed password
 * invalidates the entry at once. `now` in milliseconds of a monotonic clock.
 */
export function rememberedPasswords(now: () => number, most: number = MOST): RememberedPasswords {
  const secret = createSecretKey(randomBytes(32));
  /** The expiry of each. All last equally long, so the oldest is the first. */
  const ends = new Map<string, number>();
  return {
    keyOf: (user, hash, password) =>
      createHmac('sha256', secret)
        .update(JSON.stringify([user, hash, password]))
        .digest('base64'),
    has: (key) => (ends.get(key) ?? 0) > now(),
    add(key) {
      ends.delete(key);
      ends.set(key, now() + LASTS_MS);
      for (const [oldest, end] of ends) {
        if (end > now() && ends.size <= most) break;
        ends.delete(oldest);
      }
    },
    get size() {
      return ends.size;
    },
  };
}
