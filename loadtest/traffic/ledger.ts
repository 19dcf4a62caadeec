import { Oracle, type Verdict } from '../oracle/oracle.ts';
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

/** Accounts for each event of a run at one consumer, and knows when the last one that is owed has come. */
export class Ledger {
  readonly #scope: Scope;
  readonly #oracle: Oracle;
  readonly #ended = new Set<number>();
  #owedCalls = 0;

  constructor(scope: Scope) {
    this.#scope = scope;
    const owes = (call: number, n: number) => call < scope.calls && scope.owesCall(call) && this.#owesName(n);
    this.#oracle = new Oracle({ owes, isFromStart: scope.isFromStart });
    for (let call = 0; call < scope.calls; call += 1) if (scope.owesCall(call)) this.#owedCalls += 1;
  }

  take({ call, n, isLast }: { call: number; n: number; isLast: boolean }): Verdict {
    const verdict = this.#oracle.take(call, n);
    if (isLast && verdict !== 'foreign' && this.#nextOwed(n) > cycleEnd(n)) this.#ended.add(call);
    return verdict;
  }

  /** A resume: until a new event of a call comes, repeated ones are at the seam. */
  resumed(): void {
    this.#oracle.resumed();
  }

  /** The last event of every call that is owed has come. */
  get isComplete(): boolean {
    return this.#ended.size === this.#owedCalls;
  }

  /** Numbers that were skipped, and one for each call whose end never came: how many follow is unknown. */
  get lost(): number {
    return this.#owedCalls - this.#ended.size + this.#oracle.missing;
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
