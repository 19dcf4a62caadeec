const RETRY_CAP_MS = 2_000;

/** Delay before connection attempt `attempt` (from 1): doubles from 50 ms to 2 s; half of it is jitter. */
export function reconnectDelay(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(50 * 2 ** Math.min(attempt, 10), RETRY_CAP_MS);
  return Math.round(ceiling * (0.5 + random() / 2));
}
