/** What came wrong at one consumer; everything must be 0 in a sound run. */
export interface Faults {
  readonly lost: number;
  readonly doubled: number;
  readonly inverted: number;
  readonly foreign: number;
}

/**
 * Accounts for every event of every call at one consumer, in a few bytes a call: the events of a call are numbered from 1
 * and must come as such. Pure.
 */
export class Tally {
  /** The highest number so far, by call. */
  readonly #last = new Map<number, number>();
  /** What was passed over, as `call:n`. */
  readonly #holes = new Set<string>();
  readonly #isMine: (call: number) => boolean;
  #count = 0;
  #doubled = 0;
  #inverted = 0;
  #foreign = 0;

  constructor(isMine: (call: number) => boolean) {
    this.#isMine = isMine;
  }

  get count(): number {
    return this.#count;
  }

  take(call: number, n: number): void {
    this.#count += 1;
    if (!this.#isMine(call)) this.#foreign += 1;
    const last = this.#last.get(call) ?? 0;
    if (n > last) {
      for (let missing = last + 1; missing < n; missing += 1) this.#holes.add(`${call}:${missing}`);
      this.#last.set(call, n);
    } else if (this.#holes.delete(`${call}:${n}`)) this.#inverted += 1;
    else this.#doubled += 1;
  }

  /** Against what was acknowledged to the producer: by call, how many events. */
  faults(produced: readonly number[]): Faults {
    let lost = this.#holes.size;
    for (const [call, count] of produced.entries()) {
      if (this.#isMine(call)) lost += Math.max(0, count - (this.#last.get(call) ?? 0));
    }
    return { lost, doubled: this.#doubled, inverted: this.#inverted, foreign: this.#foreign };
  }
}

/** Of all consumers together. Pure. */
export function sumOf(all: readonly Faults[]): Faults {
  const sum = (key: keyof Faults) => all.reduce((total, faults) => total + faults[key], 0);
  return { lost: sum('lost'), doubled: sum('doubled'), inverted: sum('inverted'), foreign: sum('foreign') };
}

/** How evenly moments lie: the time from the first tenth to the last, and the largest share of one second. Pure. */
export function spreadOf(moments: readonly number[]): { middleMs: number; busiestSecond: number } {
  const sorted = [...moments].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  let [busiest, from] = [0, 0];
  for (const [index, moment] of sorted.entries()) {
    while (moment - (sorted[from] ?? moment) >= 1_000) from += 1;
    busiest = Math.max(busiest, index - from + 1);
  }
  return { middleMs: at(0.9) - at(0.1), busiestSecond: sorted.length === 0 ? 0 : busiest / sorted.length };
}
