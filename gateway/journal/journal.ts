import type { JournalEntry } from './entry.ts';

export interface JournalCounters {
  written: number;
  /** Not recorded, because too many waited or Redis refused them. */
  dropped: number;
}

/** Entries of sessions, over all replicas of a resource. */
export interface Journal extends AsyncDisposable {
  /** Name of this replica in the entries. */
  readonly replica: string;
  readonly counters: Readonly<JournalCounters>;
  /** Unix milliseconds, for people: positions decide. */
  readonly now: () => number;
  /** Never waits and never throws (X4). */
  note(entry: JournalEntry): void;
  /**
   * Entries in the order of recording, including those of this replica. `isMeant` is called with each text before it is
   * parsed. Rejects with JournalUnavailable.
   */
  read(isMeant: (text: string) => boolean): Promise<JournalRead>;
}

export interface JournalRead {
  readonly entries: readonly JournalEntry[];
  /** Time of the oldest entry, Unix milliseconds; null for none. Anything earlier is unknown. */
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
