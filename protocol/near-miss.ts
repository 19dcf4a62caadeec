/**
 * The known word that a mistyped one most likely means; null when none is near. Case, `_` and `-` do not count; one
 * slip is near, and so are two when the first letter is right.
 */
export function nearMiss(word: string, known: readonly string[]): string | null {
  const typed = bare(word);
  let nearest: { readonly word: string; readonly slips: number } | null = null;
  for (const candidate of known) {
    const meant = bare(candidate);
    const most = typed[0] === meant[0] ? 2 : 1;
    const slips = slipsBetween(typed, meant, most);
    if (slips <= most && (nearest === null || slips < nearest.slips)) nearest = { word: candidate, slips };
  }
  return nearest?.word ?? null;
}

function bare(word: string): string {
  return word.toLowerCase().replaceAll(/[_-]/g, '');
}

/** Letters added, left out, replaced or swapped with the next one (optimal string alignment); more than `most` is not counted. */
function slipsBetween(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let at = 1; at <= b.length; at += 1) {
      const replaced = (above[at - 1] ?? 0) + (a[row - 1] === b[at - 1] ? 0 : 1);
      const isSwap = a[row - 1] === b[at - 2] && a[row - 2] === b[at - 1];
      const swapped = isSwap ? (before[at - 2] ?? Infinity) + 1 : Infinity;
      line.push(Math.min(replaced, (above[at] ?? 0) + 1, (line[at - 1] ?? 0) + 1, swapped));
    }
    [before, above] = [above, line];
  }
  return above[b.length] ?? 0;
}
