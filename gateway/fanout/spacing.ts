/** How long the reader rests between two rounds, and how it got there. */
export interface Spacing {
  readonly ms: number;
}

export const NO_SPACING: Spacing = { ms: 0 };
const RESTING: Spacing = { ms: 1 };
/** Above this share of a core the reader rests; below the lower one it stops resting. */
const BUSY = 0.5;
const CALM = 0.15;

/**
 * An idle process reads at once, for latency. A busy one reads a little later and so more at a time: at middle rates
 * most of the work is the write call, and rounds of one event cost ten times what rounds of twenty do. The two limits
 * lie apart because resting itself makes the process calm.
 * @param utilisation share of the last interval that the event loop was busy, 0 to 1
 */
export function nextSpacing(current: Spacing, utilisation: number): Spacing {
  if (utilisation >= BUSY) return RESTING;
  return utilisation < CALM ? NO_SPACING : current;
}
