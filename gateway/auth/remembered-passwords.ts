import { createHmac, createSecretKey, randomBytes } from 'node:crypto';

/** Passwords that matched a moment ago, as keyed MACs: a reconnect costs no hash. */
export interface RememberedPasswords {
  /** What the password is remembered by. `user` distinguishes users whose hashes are equal. */
  keyOf(user: string, hash: string | null, password: string): string;
  has(key: string): boolean;
  add(key: string): void;
  /** Passwords that are remembered. */
  readonly size: number;
}

const LASTS_MS = 30_000;
const MOST = 10_000;

/**
 * The MAC's key (HMAC-SHA-256) exists in this process alone, and the stored hash is part of what is authenticated: a
 * changed password is unknown at once. `now` in milliseconds of a clock that only rises.
 */
export function rememberedPasswords(now: () => number, most: number = MOST): RememberedPasswords {
  const secret = createSecretKey(randomBytes(32));
  /** The end of each. All last equally long, so the oldest is the first. */
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
