const FIRST_MS = 200;
const MOST_MS = 30_000;
/** A connection that lasted so long was good: the next attempt is a first one. */
const GOOD_AFTER_MS = 60_000;

/** How long to wait before the next attempt to connect. Pure but for `random`, which gives 0 to 1. */
export interface Backoff {
  /** `liveMs`: how long the last connection was live. `lasting`: only a person can fix the cause. */
  next(last: { readonly liveMs: number; readonly lasting: boolean }): number;
}

/** From 0.2 s, doubled each time, to 30 s, with full jitter; at least the first step, so that no loop spins. */
export function createBackoff(random: () => number = Math.random): Backoff {
  let attempts = 0;
  return {
    next({ liveMs, lasting }) {
      if (lasting) return MOST_MS;
      if (liveMs >= GOOD_AFTER_MS) attempts = 0;
      const limit = Math.min(MOST_MS, FIRST_MS * 2 ** attempts);
      attempts = Math.min(attempts + 1, 20);
      return Math.max(FIRST_MS / 2, Math.round(limit * random()));
    },
  };
}
