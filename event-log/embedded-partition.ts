import type { LegName } from '../protocol/call.ts';
import { decodeMeta } from '../protocol/entry.ts';
import { BEFORE_EVERYTHING, compareIds, splitId } from '../protocol/position.ts';
import type { StoredEntry } from './event-log.ts';

/** Approximate overhead of an entry: the object, its id, its place in the list. */
const OVERHEAD = 200;
const SEEN_MS = 600_000;
const MOST_SEEN = 100_000;
/** Dropped places at the front of the list that remain before the list is copied. */
const SLACK = 1_024;

/** One partition in memory. Ids only increase, even when the clock steps back. */
export class EmbeddedPartition {
  readonly #partition: number;
  #entries: (StoredEntry | undefined)[] = [];
  #start = 0;
  #bytes = 0;
  #newest = BEFORE_EVERYTHING;
  #lastDropped = BEFORE_EVERYTHING;
  /** Events of the last ten minutes by account and id, oldest first. */
  readonly #seen = new Map<string, { readonly id: string; readonly at: number }>();

  constructor(partition: number) {
    this.#partition = partition;
  }

  get bytes(): number {
    return this.#bytes;
  }
  get length(): number {
    return this.#entries.length - this.#start;
  }
  get newest(): string {
    return this.#newest;
  }
  get oldest(): string {
    return this.#entries[this.#start]?.id ?? BEFORE_EVERYTHING;
  }

  get trimmed(): string {
    return this.#lastDropped;
  }

  append(
    event: { account: string; eventId: string; meta: string; data: Buffer },
    now: number,
  ): { duplicate: boolean; id: string } {
    this.#forgetSeen(now);
    const key = seenKey(event);
    const before = event.eventId === '' ? undefined : this.#seen.get(key);
    if (before) return { duplicate: true, id: before.id };
    const id = this.#nextId(now);
    this.#newest = id;
    const entry: StoredEntry = { partition: this.#partition, id, meta: event.meta, data: event.data };
    this.#entries.push(entry);
    this.#bytes += cost(entry);
    if (event.eventId !== '') this.#seen.set(key, { id, at: now });
    return { duplicate: false, id };
  }

  /** Whether the partition contains an event of this id, as far as it is remembered. */
  has(event: Identified): boolean {
    return event.eventId !== '' && this.#seen.has(seenKey(event));
  }

  /** Whether an entry after `id` belongs to this leg. */
  speaksAfter({ account, callId }: LegName, id: string): boolean {
    return this.after(id, this.length).some(({ meta }) => {
      const of = decodeMeta(meta);
      return of !== null && of.account === account && of.callId === callId;
    });
  }

  #nextId(now: number): string {
    const [milliseconds, sequence] = splitId(this.#newest);
    const wall = Math.floor(now);
    return wall > milliseconds ? `${wall}-0` : `${milliseconds}-${sequence + 1}`;
  }

  #forgetSeen(now: number): void {
    for (const [key, seen] of this.#seen) {
      if (this.#seen.size < MOST_SEEN && now - seen.at < SEEN_MS) return;
      this.#seen.delete(key);
    }
  }

  /** Whether entries after `id` were dropped. Reading from `0-0` requests the existing entries. */
  lostAfter(id: string): boolean {
    return id !== BEFORE_EVERYTHING && compareIds(id, this.#lastDropped) < 0;
  }

  after(id: string, count: number): StoredEntry[] {
    if (compareIds(id, this.#newest) >= 0) return [];
    let low = this.#start;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry === undefined || compareIds(entry.id, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#entries.slice(low, low + count).filter((entry) => entry !== undefined);
  }

  /** Returns the freed bytes. */
  dropOldest(): number {
    const entry = this.#entries[this.#start];
    if (entry === undefined) return 0;
    this.#entries[this.#start] = undefined;
    this.#start += 1;
    this.#lastDropped = entry.id;
    if (this.#start > SLACK && this.#start * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
    const freed = cost(entry);
    this.#bytes -= freed;
    return freed;
  }
}

interface Identified {
  readonly account: string;
  readonly eventId: string;
}

function seenKey({ account, eventId }: Identified): string {
  return `${account}/${eventId}`;
}

function cost(entry: StoredEntry): number {
  return entry.data.length + entry.meta.length * 2 + OVERHEAD;
}
