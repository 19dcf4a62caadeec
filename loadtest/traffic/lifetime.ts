/** The fractional parts of its multiples are evenly spaced, however many there are. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * After how many messages a consumer dies: up to twice `average`, and about `average` over consecutive lives. It is
 * deterministic, and life 0 ends at once, so that a short run has deaths, too.
 */
export function messagesToLive(life: number, average: number): number {
  return 1 + Math.floor(((life * GOLDEN) % 1) * 2 * average);
}
