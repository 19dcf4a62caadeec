const FIRST_MS = 1_000;
const LONGEST_MS = 300_000;

/**
 * How long an event waits after its `attempts`-th delivery failed: 1 s, 2 s, 4 s ... to 5 min. Up to half of it is
 * subtracted at random, so that events that failed together are not delivered again together.
 */
export function retryDelay(attempts: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 20));
  return Math.round(ceiling * (1 - random() / 2));
}
