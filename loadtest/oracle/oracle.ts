/** Faults in the events of one consumer; all are 0 in a correct run. */
export interface Faults {
  /** Owed, and never arrived. */
  readonly lost: number;
  /** Arrived again, not in a redelivery. */
  readonly doubled: number;
  /** Arrived for the first time after a later event of its call. */
  readonly inverted: number;
  /** Arrived although it was not owed. */
  readonly foreign: number;
}

/**
 * `next`: in order. `repeated`: again after a resume, before any new event of its call, which the contract allows. The
 * others are the faults of the same names.
 */
export type Verdict = 'next' | 'repeated' | 'doubled' | 'inverted' | 'foreign';

/** What one consumer is owed. The events of a call are numbered from 1, without holes. */
export interface Owed<Call> {
  readonly owes: (call: Call, n: number) => boolean;
  /**
   * It listened before the first event was published; else, for each call, it is owed the events after the first one
   * that it got.
   */
  readonly isFromStart?: boolean;
}

interface Progress {
  last: number;
  /** Owed numbers below `last` that have not arrived. */
  readonly missing: Set<number>;
  /** A new event has arrived since the last resume. */
  isPastSeam: boolean;
}

/** Judges each arrival at one consumer. Keeps one number for each call, and the missing numbers. Pure. */
export class Oracle<Call = number> {
  readonly #owed: Owed<Call>;
  readonly #calls = new Map<Call, Progress>();
  #doubled = 0;
  #inverted = 0;
  #foreign = 0;
  /** Arrivals, right and wrong ones. */
  arrivals = 0;

  constructor(owed: Owed<Call>) {
    this.#owed = owed;
  }

  take(call: Call, n: number): Verdict {
    this.arrivals += 1;
    const verdict = this.#judge(call, n);
    if (verdict === 'doubled') this.#doubled += 1;
    if (verdict === 'inverted') this.#inverted += 1;
    if (verdict === 'foreign') this.#foreign += 1;
    return verdict;
  }

  /** After a resume: until a new event of a call arrives, a repeated one is a redelivery. */
  resumed(): void {
    for (const call of this.#calls.values()) call.isPastSeam = false;
  }

  /** Owed numbers that were skipped. */
  get missing(): number {
    let missing = 0;
    for (const call of this.#calls.values()) missing += call.missing.size;
    return missing;
  }

  /** `produced` has, by call, the number of events that were acknowledged to the producer. */
  faults(produced: Iterable<readonly [Call, number]>): Faults {
    let lost = this.missing;
    for (const [call, count] of produced) {
      for (let n = (this.#calls.get(call)?.last ?? 0) + 1; n <= count; n += 1) if (this.#owed.owes(call, n)) lost += 1;
    }
    return { lost, doubled: this.#doubled, inverted: this.#inverted, foreign: this.#foreign };
  }

  #judge(call: Call, n: number): Verdict {
    if (!this.#owed.owes(call, n)) return 'foreign';
    const progress = this.#progressOf(call, n);
    if (n > progress.last) {
      for (let passed = progress.last + 1; passed < n; passed += 1) {
        if (this.#owed.owes(call, passed)) progress.missing.add(passed);
      }
      progress.last = n;
      progress.isPastSeam = true;
      return 'next';
    }
    if (progress.missing.delete(n)) return 'inverted';
    return progress.isPastSeam ? 'doubled' : 'repeated';
  }

  #progressOf(call: Call, n: number): Progress {
    const known = this.#calls.get(call);
    if (known !== undefined) return known;
    const last = this.#owed.isFromStart === false ? n - 1 : 0;
    const progress = { last, missing: new Set<number>(), isPastSeam: true };
    this.#calls.set(call, progress);
    return progress;
  }
}

/** Of all consumers together. Pure. */
export function sumOf(all: readonly Faults[]): Faults {
  const sum = (key: keyof Faults) => all.reduce((total, faults) => total + faults[key], 0);
  return { lost: sum('lost'), doubled: sum('doubled'), inverted: sum('inverted'), foreign: sum('foreign') };
}
