/** Consecutive polls that must return the smaller directory before it is accepted. */
const SERVED_TIMES = 3;

/** How often a directory that is too small was returned. */
export interface Shrinking {
  readonly accounts: number;
  readonly times: number;
}

export interface ShrinkInput {
  /** Accounts in force; 0 for none. */
  readonly before: number;
  readonly after: number;
  /** Largest share that one change may remove, in percent. */
  readonly maxPercent: number;
  /** The result of the polls before. */
  readonly seen: Shrinking | null;
  /** A poll after a push does not count: three pushes may be one mistake. */
  readonly isTimed: boolean;
}

/** Accepts a smaller directory, or returns what was seen so far. Pure. */
export function judgeShrink({ before, after, maxPercent, seen, isTimed }: ShrinkInput): 'take_over' | Shrinking {
  if (after * 100 >= before * (100 - maxPercent)) return 'take_over';
  const times = (seen?.times ?? 0) + (isTimed ? 1 : 0);
  return times >= SERVED_TIMES ? 'take_over' : { accounts: after, times };
}
