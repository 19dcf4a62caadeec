/** Largest number of lanes in memory, for each item that may wait. */
const LANES_PER_PLACE = 8;

interface Waiting<T> {
  readonly item: T;
  /** Virtual start time: the number of earlier items in its longest lane. */
  readonly start: number;
}

/**
 * A bounded queue in which lanes take turns (start-time fair queueing, Goyal 1996). An item belongs to several lanes,
 * such as its user and its address, and waits for the slowest of them: with 1,000 items of one user, or of one address,
 * a newcomer waits for only one of them. When the queue is full, the last item of the longest lane is dropped.
 */
export class FairQueue<T> {
  readonly #most: number;
  /** By rising start; equal ones in the order of arrival. */
  #waiting: Waiting<T>[] = [];
  /**
   * Start of the next item of a lane. A lane whose turn has passed is removed. The least recently used lane is the
   * first.
   */
  readonly #lanes = new Map<string, number>();
  #now = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Lanes in memory: none when nothing waits (I10). */
  get lanes(): number {
    return this.#lanes.size;
  }

  /** Adds an item. Returns the item that was dropped: the new one, another one, or null for none. */
  push(item: T, lanes: readonly string[]): T | null {
    const start = Math.max(this.#now, ...lanes.map((lane) => this.#lanes.get(lane) ?? 0));
    const last = this.#waiting.at(-1);
    const isFull = this.#waiting.length >= this.#most;
    if (isFull && (last === undefined || last.start <= start)) return item;
    for (const lane of lanes) this.#remember(lane, start + 1);
    this.#waiting.splice(this.#placeOf(start), 0, { item, start });
    if (!isFull || last === undefined) return null;
    this.remove(last.item);
    return last.item;
  }

  /** Removes the next item in turn, and returns it. */
  shift(): T | undefined {
    const first = this.#waiting.shift();
    if (first === undefined) return undefined;
    if (first.start > this.#now) this.#advance(first.start);
    this.#reset();
    return first.item;
  }

  /** Removes a waiting item; ignores any other. */
  remove(item: T): void {
    const at = this.#waiting.findIndex((waiting) => waiting.item === item);
    if (at !== -1) this.#waiting.splice(at, 1);
    this.#reset();
  }

  /** After every item that starts no later. */
  #placeOf(start: number): number {
    const later = this.#waiting.findIndex((waiting) => waiting.start > start);
    return later === -1 ? this.#waiting.length : later;
  }

  #remember(lane: string, next: number): void {
    this.#lanes.delete(lane);
    this.#lanes.set(lane, next);
    const [oldest] = this.#lanes.keys();
    if (this.#lanes.size > LANES_PER_PLACE * this.#most && oldest !== undefined) this.#lanes.delete(oldest);
  }

  #advance(now: number): void {
    this.#now = now;
    for (const [lane, next] of this.#lanes) if (next <= now) this.#lanes.delete(lane);
  }

  /** An empty queue keeps no lanes. */
  #reset(): void {
    if (this.#waiting.length > 0) return;
    this.#lanes.clear();
    this.#now = 0;
  }
}
