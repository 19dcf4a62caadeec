/** An invariant as `invariants.md` defines it. */
export interface Invariant {
  readonly name: string;
  /** The tests that are listed below it: paths from the root. */
  readonly tests: readonly string[];
}

const SECTION = /^## ([A-Z]{1,2}\d{1,2})$/;
const TEST = /^- \[[^\]]+\]\(\.\.\/([^)]+)\)$/;

/** Pure. */
export function readInvariants(page: string): readonly Invariant[] {
  const found: { name: string; tests: string[] }[] = [];
  for (const line of page.split('\n')) {
    const [, name] = SECTION.exec(line) ?? [];
    if (name !== undefined) found.push({ name, tests: [] });
    const [, test] = TEST.exec(line) ?? [];
    if (test !== undefined) found.at(-1)?.tests.push(test);
  }
  return found;
}

/**
 * The names of invariants that a text cites: `I4`, `I1-I3`. Families are the accepted letters, such as `I` and `LC`.
 * Pure.
 */
export function citedIn(text: string, families: ReadonlySet<string>): ReadonlySet<string> {
  const cited = new Set<string>();
  for (const [, letter = '', first = '', last = first] of text.matchAll(
    /\b([A-Z]{1,2})([1-9]\d?)\b(?:\s?[-–]\s?\1(\d{1,2})\b)?/g,
  )) {
    if (!families.has(letter)) continue;
    for (let number = Number(first); number <= Number(last); number += 1) cited.add(`${letter}${number}`);
  }
  return cited;
}
