import type { JournalEntry } from './entry.ts';

export interface JournalCounters {
  written: number;
  /** Not taken, since too many waited or Redis refused them. */
  dropped: number;
}

/** What sessions note, over all replicas of a resource. */
export interface Journal extends AsyncDisposable {
  /** Name of this replica in the entries. */
  readonly replica: string;
  readonly counters: Readonly<JournalCounters>;
  /** Unix milliseconds, for people: positions decide. */
  readonly now: () => number;
  /** Never waits and never throws (X4). */
  note(entry: JournalEntry): void;
  /**
   * Entries in the order in which they were noted, those of this replica included. `isMeant` is asked of each text before it is
   * parsed. Rejects with JournalUnavailable.
   */
  read(isMeant: (text: string) => boolean): Promise<JournalRead>;
}

export interface JournalRead {
  readonly entries: readonly JournalEntry[];
  /** Time of the oldest entry that is kept, Unix milliseconds; null for none. What was noted before is not known. */
  readonly since: number | null;
}

export class JournalUnavailable extends Error {
  override readonly name = 'JournalUnavailable';
  readonly code: string;
  constructor(code: string, options?: ErrorOptions) {
    super(`the session journal is not available: ${code}`, options);
    this.code = code;
  }
}
