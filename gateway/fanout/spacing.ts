/** How long the reader rests between two rounds, and the state behind that decision. */
export interface Spacing {
  readonly ms: number;
}

export const NO_SPACING: Spacing = { ms: 0 };

/** From the calmest level: entered at a utilisation of `from`, left below `until`. */
const LEVELS = [
  { spacing: { ms: 1 }, from: 0.5, until: 0.15 },
  { spacing: { ms: 3 }, from: 0.85, until: 0.6 },
] as const;

/**
 * An idle process reads at once, for latency. A busy one waits a little and so reads more at once: at medium rates most
 * of the work is the write call, and rounds of one event cost ten times as much as rounds of twenty. The two limits of
 * a level differ because resting itself makes the process calm.
 * @param utilisation share of the last interval in which the event loop was busy, 0 to 1
 */
export function nextSpacing(current: Spacing, utilisation: number): Spacing {
  const level = LEVELS.findLast(
    ({ spacing, from, until }) => utilisation >= from || (current.ms >= spacing.ms && utilisation >= until),
  );
  return level?.spacing ?? NO_SPACING;
}

/** A round shorter than this is followed by the whole rest: merging two costs little more than one of them. */
const SHORT = 32;
/**
 * A write of this many events costs little more for each event than the longest one: waiting for more would gain
 * nothing.
 */
const WORTH_A_WRITE = 96;

/** Milliseconds to rest after a round: none after a large one, or a reader that fell behind would never catch up. */
export function restAfter(spacing: Spacing, events: number): number {
  if (events >= WORTH_A_WRITE) return 0;
  return events < SHORT ? spacing.ms : Math.min(spacing.ms, 1);
}
