import { setTimeout as delay } from 'node:timers/promises';

const LIMIT_MS = 90_000;

/** Looks again and again until there is something; fails with what was seen last, after a generous while. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false>,
  limitMs = LIMIT_MS,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== null && seen !== undefined && seen !== false) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`in vain: ${what}; last: ${String(last)}`);
    await delay(100);
  }
}
