/**
 * How evenly moments are spread: the time from the first tenth to the last, and the largest share of one second. Pure.
 */
export function spreadOf(moments: readonly number[]): { middleMs: number; busiestSecond: number } {
  const sorted = [...moments].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  let [busiest, from] = [0, 0];
  for (const [index, moment] of sorted.entries()) {
    while (moment - (sorted[from] ?? moment) >= 1_000) from += 1;
    busiest = Math.max(busiest, index - from + 1);
  }
  return { middleMs: at(0.9) - at(0.1), busiestSecond: sorted.length === 0 ? 0 : busiest / sorted.length };
}
