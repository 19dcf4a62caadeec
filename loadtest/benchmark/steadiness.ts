import { setTimeout as delay } from 'node:timers/promises';

/** What a delivery cost in one interval of a window may differ from all others: collecting garbage and chance stay within. */
const SAME = 1.3;
const INTERVAL_MS = 250;

/**
 * Whether a delivery cost the same all the time, each figure an interval's. Near the limit of a core the load is more
 * than a server can carry for as long as the host has moved its core away: a probe before and after does not see it,
 * and what the queue then does to a p99 says nothing of the server.
 */
export function isSteady(costs: readonly number[]): boolean {
  // A core may be away for most of the window: a quarter of the intervals is enough to know better.
  const usual = costs.toSorted((a, b) => a - b)[Math.floor(costs.length / 4)] ?? Number.NaN;
  return costs.every((cost) => cost <= usual * SAME);
}

/** How far a server has come: CPU time in microseconds, and deliveries. */
export interface Progress {
  readonly cpuUs: number;
  readonly deliveries: number;
}

/** What a delivery costs in each interval while `pass` runs. */
export async function watchCosts(progress: () => Promise<Progress>, pass: () => Promise<void>): Promise<number[]> {
  const costs: number[] = [];
  const window = new AbortController();
  const watch = async () => {
    let last = await progress();
    while (!window.signal.aborted) {
      await delay(INTERVAL_MS, undefined, { signal: window.signal }).catch(() => undefined);
      // The window is over: what is left of an interval says nothing, and nobody waits for it.
      if (window.signal.aborted) return;
      const now = await progress();
      if (now.deliveries > last.deliveries) {
        costs.push((now.cpuUs - last.cpuUs) / (now.deliveries - last.deliveries));
      }
      last = now;
    }
  };
  await Promise.all([watch(), pass().finally(() => window.abort())]);
  return costs;
}
