const FIRST_MS = 200;
const MOST_MS = 30_000;
/** A connection that lasted this long was good: the next attempt counts as the first one. */
const GOOD_AFTER_MS = 60_000;

/** Delay before the next attempt to connect. Pure except for `random`, which returns 0 to 1. */
export interface Backoff {
  /** `liveMs`: how long the last connection was live. `lasting`: only a person can remove the cause. */
  next(last: { readonly liveMs: number; readonly lasting: boolean }): number;
}

/** From 0.2 s, doubled each time, to 30 s, with full jitter; never below the first step, so that a loop cannot spin. */
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
