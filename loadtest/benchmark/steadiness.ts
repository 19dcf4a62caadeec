import { setTimeout as delay } from 'node:timers/promises';

/**
 * Allowed difference between the cost of a delivery in one interval and in all others; garbage collection and chance
 * stay within it.
 */
const SAME = 1.3;
const INTERVAL_MS = 250;

/**
 * Whether the cost of a delivery was constant; each figure is that of an interval. Near the limit of a core the load
 * exceeds the server's capacity while the host has moved its core away. Probes before and after do not see that, and
 * the p99 of the resulting queue says nothing about the server.
 */
export function isSteady(costs: readonly number[]): boolean {
  // A core may be away for most of the window: a quarter of the intervals suffices to detect that.
  const usual = costs.toSorted((a, b) => a - b)[Math.floor(costs.length / 4)] ?? Number.NaN;
  return costs.every((cost) => cost <= usual * SAME);
}

/** Progress of a server: CPU time in microseconds, and deliveries. */
export interface Progress {
  readonly cpuUs: number;
  readonly deliveries: number;
}

/** The cost of a delivery in each interval while `pass` runs. */
export async function watchCosts(progress: () => Promise<Progress>, pass: () => Promise<void>): Promise<number[]> {
  const costs: number[] = [];
  const window = new AbortController();
  const watch = async () => {
    let last = await progress();
    while (!window.signal.aborted) {
      await delay(INTERVAL_MS, undefined, { signal: window.signal }).catch(() => undefined);
      // The window is over: the rest of an interval is ignored.
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
