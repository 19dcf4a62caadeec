import type { StoredEntry } from '../../event-log/event-log.ts';
import { BEFORE_EVERYTHING, compareIds } from '../../protocol/position.ts';

/** A place in one partition of the log. */
export interface LogPoint {
  readonly epoch: string;
  /** Entry id. */
  readonly id: string;
}

/**
 * Entries of one partition that the fan-out has read, until the table has them: the keeper then need not read them from
 * the log again. They are complete from `#from` on. A feed that lacks the entries after a table says so, and the keeper
 * reads the log by itself.
 */
export class Feed {
  readonly #mostBytes: number;
  #epoch = '';
  #from = BEFORE_EVERYTHING;
  #entries: StoredEntry[] = [];
  #bytes = 0;
  /** Number of entries that were given last. */
  #given = 0;

  /** `mostBytes`: with more than that, everything is forgotten. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Takes the entries that directly follow `before`. */
  offer(entries: readonly StoredEntry[], before: LogPoint): void {
    if (before.epoch !== this.#epoch || before.id !== this.last) this.#restart(before);
    for (const entry of entries) {
      this.#entries.push(entry);
      this.#bytes += entry.data.length;
    }
    if (this.#bytes > this.#mostBytes) this.#restart({ epoch: this.#epoch, id: this.last });
  }

  /**
   * Up to `count` of the entries that directly follow a table, and forgets everything before them. Null when it has
   * none, or lacks the first of them.
   */
  after({ epoch, id }: LogPoint, count: number): readonly StoredEntry[] | null {
    if (epoch !== this.#epoch || compareIds(id, this.#from) < 0) return null;
    const gone = this.#entries.splice(0, this.#upTo(id));
    for (const { data } of gone) this.#bytes -= data.length;
    if (this.#entries.length === 0) this.#from = gone.at(-1)?.id ?? this.#from;
    else this.#from = id;
    this.#given = Math.min(count, this.#entries.length);
    return this.#given === 0 ? null : this.#entries.slice(0, count);
  }

  /** Number of entries up to this one. */
  #upTo(id: string): number {
    // Usually the table has taken exactly what it was given.
    if (this.#entries[this.#given - 1]?.id === id) return this.#given;
    const first = this.#entries.findIndex((entry) => compareIds(entry.id, id) > 0);
    return first < 0 ? this.#entries.length : first;
  }

  /** Id of the oldest entry that the table may lack; null for none. */
  get oldest(): string | null {
    return this.#entries[0]?.id ?? null;
  }

  /**
   * Whether the entries after this place, which it does not have, are offered when the fan-out has read them: the place
   * may be after everything that the fan-out has read.
   */
  leadsTo({ epoch, id }: LogPoint): boolean {
    return epoch === this.#epoch && compareIds(id, this.last) >= 0;
  }

  clear(): void {
    this.#restart({ epoch: '', id: BEFORE_EVERYTHING });
  }

  /** Id of the last entry that was offered. */
  get last(): string {
    return this.#entries.at(-1)?.id ?? this.#from;
  }

  #restart({ epoch, id }: LogPoint): void {
    this.#epoch = epoch;
    this.#from = id;
    this.#entries = [];
    this.#bytes = 0;
    this.#given = 0;
  }
}
