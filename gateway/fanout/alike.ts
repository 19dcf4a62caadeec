import { framesOf } from './forms.ts';
import type { Round } from './round.ts';
import { seal, type Part, type Selection } from './selection.ts';

/** More different selections that begin with the same part are not compared: each would be looked at for each view. */
const MOST_COMPARED = 4;

interface Seen {
  readonly selection: Selection;
  /** Made for the second view that gets the same. */
  chunk: Buffer | null;
}

/**
 * Finds views of one connection each that get the same bytes of a round although their filters differ, so that these are put
 * together once for all of them. The first one cannot know of others: it gets a buffer of its own.
 */
export class Alike {
  readonly #seen = new Map<Part, Seen[]>();

  /** What this selection shares with one before it; null for the first. */
  chunk(round: Round, selection: Selection): Buffer | null {
    const [first, second] = selection.parts;
    // A single event lies in the round as it is: nothing has to be put together.
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
