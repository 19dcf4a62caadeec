import { decodeEntry, encodeEntry, type JournalEntry } from './entry.ts';
import type { Journal, JournalRead } from './journal.ts';

const KEPT = 10_000;

/** The journal of a gateway without Redis: it ends with the process, like its log. */
export class MemoryJournal implements Journal {
  readonly replica = 'this';
  readonly now = Date.now;
  readonly counters = { written: 0, dropped: 0 };
  #entries: JournalEntry[] = [];

  note(entry: JournalEntry): void {
    this.counters.written += 1;
    this.#entries.push(entry);
    if (this.#entries.length > 2 * KEPT) this.#entries = this.#entries.slice(-KEPT);
  }

  read(isMeant: (text: string) => boolean): Promise<JournalRead> {
    const kept = this.#entries.slice(-KEPT);
    const entries = kept
      .map(encodeEntry)
      .filter(isMeant)
      .flatMap((text) => decodeEntry(text) ?? []);
    return Promise.resolve({ entries, since: kept[0]?.at ?? null });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#entries = [];
    return Promise.resolve();
  }
}
