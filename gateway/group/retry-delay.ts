const FIRST_MS = 1_000;
const LONGEST_MS = 300_000;

/**
 * How long an event waits after its `attempts`-th delivery failed: 1 s, 2 s, 4 s ... to 5 min, of which up to half is
 * taken off at random, so that what failed together does not come back together.
 */
export function retryDelay(attempts: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 20));
  return Math.round(ceiling * (1 - random() / 2));
}
