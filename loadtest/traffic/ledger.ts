import { CYCLE, nameOf } from './numbering.ts';

/** What one consumer is owed of a run. */
export interface Scope {
  readonly calls: number;
  readonly owesCall: (call: number) => boolean;
  /** Names of its filter; null is all. */
  readonly names: ReadonlySet<string> | null;
  /** It listened before the first event was published: numbers begin with 1 and not with the first that came. */
  readonly isFromStart: boolean;
}

/**
 * `repeated`: again after a resume, before anything new of its call came on the new connection, which the contract
 * allows. `doubled`: again at any other time. `inverted`: after a later one of its call. `foreign`: not owed at all.
 */
export type Verdict = 'next' | 'repeated' | 'doubled' | 'inverted' | 'foreign';

interface Call {
  last: number;
  readonly missing: Set<number>;
  isEnded: boolean;
  /** Something new has come since the last resume. */
  isPastSeam: boolean;
}

/** Accounts for each event of a run at one consumer. Holds one number a call, and those that are missing. */
export class Ledger {
  readonly #scope: Scope;
  readonly #calls = new Map<number, Call>();
  #owedCalls = 0;
  #ended = 0;

  constructor(scope: Scope) {
    this.#scope = scope;
    for (let call = 0; call < scope.calls; call += 1) if (scope.owesCall(call)) this.#owedCalls += 1;
  }

  take({ call: number, n, isLast }: { call: number; n: number; isLast: boolean }): Verdict {
    if (number >= this.#scope.calls || !this.#scope.owesCall(number) || !this.#owes(n)) return 'foreign';
    const call = this.#callOf(number, n);
    if (isLast && !call.isEnded && this.#nextOwed(n) > cycleEnd(n)) {
      call.isEnded = true;
      this.#ended += 1;
    }
    if (n > call.last) {
      for (let m = this.#nextOwed(call.last); m < n; m = this.#nextOwed(m)) call.missing.add(m);
      call.last = n;
      call.isPastSeam = true;
      return 'next';
    }
    if (call.missing.delete(n)) return 'inverted';
    return call.isPastSeam ? 'doubled' : 'repeated';
  }

  /** A resume: until something new comes of a call, what comes again is at the seam. */
  resumed(): void {
    for (const call of this.#calls.values()) call.isPastSeam = false;
  }

  /** The last event of every call that is owed has come. */
  get isComplete(): boolean {
    return this.#ended === this.#owedCalls;
  }

  /** Numbers that were passed over, and one for each call whose end never came: how much is behind it nobody knows. */
  get lost(): number {
    let lost = this.#owedCalls - this.#ended;
    for (const { missing } of this.#calls.values()) lost += missing.size;
    return lost;
  }

  #callOf(number: number, n: number): Call {
    const known = this.#calls.get(number);
    if (known !== undefined) return known;
    const last = this.#scope.isFromStart ? 0 : n - 1;
    const call = { last, missing: new Set<number>(), isEnded: false, isPastSeam: true };
    this.#calls.set(number, call);
    return call;
  }

  #owes(n: number): boolean {
    return this.#scope.names === null || this.#scope.names.has(nameOf(n));
  }

  /** The first number after `n` that is owed. */
  #nextOwed(n: number): number {
    let next = n + 1;
    while (!this.#owes(next) && next <= n + CYCLE) next += 1;
    return next;
  }
}

const cycleEnd = (n: number): number => Math.ceil(n / CYCLE) * CYCLE;
