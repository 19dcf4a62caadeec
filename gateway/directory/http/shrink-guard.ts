/** Polls in a row that must serve the smaller directory. */
const SERVED_TIMES = 3;

/** How often a directory that is too small was served. */
export interface Shrinking {
  readonly accounts: number;
  readonly times: number;
}

export interface ShrinkInput {
  /** Accounts in force; 0: none are. */
  readonly before: number;
  readonly after: number;
  /** Largest part that may go at once, in percent. */
  readonly maxPercent: number;
  /** What the polls before have seen. */
  readonly seen: Shrinking | null;
  /** A poll that the platform asked for does not count: three pushes are one mistake. */
  readonly isTimed: boolean;
}

/** Whether a smaller directory is taken over; else what was seen so far. Pure. */
export function judgeShrink({ before, after, maxPercent, seen, isTimed }: ShrinkInput): 'take_over' | Shrinking {
  if (after * 100 >= before * (100 - maxPercent)) return 'take_over';
  const times = (seen?.times ?? 0) + (isTimed ? 1 : 0);
  return times >= SERVED_TIMES ? 'take_over' : { accounts: after, times };
}
