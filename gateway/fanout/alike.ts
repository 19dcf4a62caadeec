import { framesOf } from './forms.ts';
import type { Round } from './round.ts';
import { seal, type Part, type Selection } from './selection.ts';

/** Limit of different selections with the same first part that are compared, because each is compared for each view. */
const MOST_COMPARED = 4;

interface Seen {
  readonly selection: Selection;
  /** Made for the second view that gets the same bytes. */
  chunk: Buffer | null;
}

/**
 * Finds views of one connection each that get the same bytes of a round although their filters differ, so that these
 * bytes are assembled once for all of them. The first view cannot know of others: it gets a buffer of its own.
 */
export class Alike {
  readonly #seen = new Map<Part, Seen[]>();

  /** What this selection shares with an earlier one; null for the first. */
  chunk(round: Round, selection: Selection): Buffer | null {
    const [first, second] = selection.parts;
    // A single event is contiguous in the round: nothing has to be assembled.
    if (first === undefined || (second === undefined && first.entries.length === 1)) return null;
    const seen = this.#seen.get(first);
    if (seen === undefined) {
      this.#seen.set(first, [{ selection, chunk: null }]);
      return null;
    }
    const same = seen.find((one) => isSame(one.selection, selection));
    if (same !== undefined) return (same.chunk ??= seal(framesOf(round, selection), selection));
    if (seen.length < MOST_COMPARED) seen.push({ selection, chunk: null });
    return null;
  }

  /** The round has been written. */
  clear(): void {
    this.#seen.clear();
  }
}

function isSame(a: Selection, b: Selection): boolean {
  if (a.parts.length !== b.parts.length || a.encoding.text !== b.encoding.text) return false;
  return a.parts.every((part, at) => part === b.parts[at]);
}
