import { Oracle, type Verdict } from '../oracle/oracle.ts';
import { CYCLE, nameOf } from './numbering.ts';

/** What one consumer is owed of a run. */
export interface Scope {
  readonly calls: number;
  readonly owesCall: (call: number) => boolean;
  /** Names of its filter; null is all. */
  readonly names: ReadonlySet<string> | null;
  /** It listened before the first event was published: numbers begin with 1 instead of the first received one. */
  readonly isFromStart: boolean;
}

/** Accounts for each event of a run at one consumer, and knows when the last owed one has arrived. */
export class Ledger {
  readonly #scope: Scope;
  #oracle: Oracle;
  #missedBefore = 0;
  readonly #ended = new Set<number>();
  #owedCalls = 0;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.#oracle = this.#begin(scope.isFromStart);
    for (let call = 0; call < scope.calls; call += 1) if (scope.owesCall(call)) this.#owedCalls += 1;
  }

  #begin(isFromStart: boolean): Oracle {
    const { calls, owesCall } = this.#scope;
    return new Oracle({ owes: (call, n) => call < calls && owesCall(call) && this.#owesName(n), isFromStart });
  }

  take({ call, n, isLast }: { call: number; n: number; isLast: boolean }): Verdict {
    const verdict = this.#oracle.take(call, n);
    if (isLast && verdict !== 'foreign' && this.#nextOwed(n) > cycleEnd(n)) this.#ended.add(call);
    return verdict;
  }

  /** A resume: until a new event of a call arrives, repeated ones are allowed. */
  resumed(): void {
    this.#oracle.resumed();
  }

  /** It returns without a cursor: the owed events of a call begin with the first received one. */
  rejoined(): void {
    this.#missedBefore += this.#oracle.missing;
    this.#oracle = this.#begin(false);
  }

  /** The last owed event of every call has arrived. */
  get isComplete(): boolean {
    return this.#ended.size === this.#owedCalls;
  }

  /** Skipped numbers, and one for each call whose end never arrived: how many follow is unknown. */
  get lost(): number {
    return this.#owedCalls - this.#ended.size + this.#missedBefore + this.#oracle.missing;
  }

  #owesName(n: number): boolean {
    return this.#scope.names === null || this.#scope.names.has(nameOf(n));
  }

  /** The first number after `n` whose name is owed. */
  #nextOwed(n: number): number {
    let next = n + 1;
    while (!this.#owesName(next) && next <= n + CYCLE) next += 1;
    return next;
  }
}

const cycleEnd = (n: number): number => Math.ceil(n / CYCLE) * CYCLE;
