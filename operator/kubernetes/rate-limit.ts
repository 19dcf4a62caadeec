import { setTimeout as delay } from 'node:timers/promises';

export interface RateLimit {
  /** Settles when a request may be sent; rejects with the signal's reason. */
  turn(signal: AbortSignal): Promise<void>;
}

/** This many a second on average, in bursts of at most `burst`. First come, first served. */
export function rateLimit(perSecond: number, burst: number, now = () => performance.now()): RateLimit {
  const stepMs = 1_000 / perSecond;
  /** Time at which the bucket is full again; in the past when it is full. */
  let fullAt = now();
  return {
    async turn(signal) {
      const start = now();
      fullAt = Math.max(fullAt, start) + stepMs;
      const wait = fullAt - start - burst * stepMs;
      if (wait > 0) await delay(wait, undefined, { signal });
    },
  };
}
