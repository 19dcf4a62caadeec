/** The known name that was most likely meant; null when none is close enough. For "did you mean". Pure. */
export function nearestName(given: string, known: Iterable<string>): string | null {
  // One error in three letters, at least one: with more it is a different word.
  let least = Math.max(1, Math.floor(given.length / 3)) + 1;
  let nearest: string | null = null;
  for (const name of known) {
    const [typed, meant] = [given.toLowerCase(), name.toLowerCase()];
    // The first letter is seldom wrong: `agents` is not a misspelt `events`.
    const most = typed[0] === meant[0] ? least : Math.min(least, 2);
    const distance = editDistance(typed, meant, most);
    if (distance < most) [least, nearest] = [distance, name];
  }
  return nearest;
}

/**
 * The number of insertions, deletions, replacements and swaps of neighbours that turn one into the other; `most` when
 * it is at least that.
 */
function editDistance(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) >= most) return most;
  let [beforeLast, last]: [number[], number[]] = [[], Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (last[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
          ? (beforeLast[j - 2] ?? 0) + 1
          : Number.POSITIVE_INFINITY;
      row.push(Math.min(replaced, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    [beforeLast, last] = [last, row];
  }
  return Math.min(last[to.length] ?? most, most);
}
