/** What a consumer of the durable test does with an event. */
export type Deed = 'ack' | 'nack_once' | 'nack_always' | 'term';

const SPREAD = 31;
const CYCLE = 97;

/**
 * The event decides the action, so that every consumer that gets it does the same: some are refused once, few
 * permanently.
 */
export function deedOf(call: number, n: number): Deed {
  const place = (call * SPREAD + n) % CYCLE;
  if (place === 13) return 'nack_always';
  if (place === 41) return 'term';
  return place % 10 === 3 ? 'nack_once' : 'ack';
}

/** As in `Ledger`; `again` is another attempt at an event that is not settled, `repeated` one after a death. */
export type GroupVerdict = 'next' | 'again' | 'repeated' | 'doubled' | 'inverted';

interface Call {
  /** Everything below is settled or missing. */
  next: number;
  /** Delivered, and not settled yet; 0: nothing. */
  open: number;
  readonly missing: Set<number>;
  isEnded: boolean;
}

export interface GroupArrival {
  readonly call: number;
  readonly n: number;
  readonly isLast: boolean;
  /** From 1. */
  readonly attempt: number;
}

/**
 * Accounts for the events of one run over all connections of a group: the next event of a call comes after the one
 * before is settled, and a settled event never arrives again, unless the connection that settled it died. An event that is
 * always refused may have had its last attempt at a connection that died before it saw it: the gateway has settled it
 * then, and the dead letters say whether it did.
 */
export class GroupLedger {
  readonly #calls: Call[];
  readonly #cycle: number;
  /** `call:n` of what was settled by a connection that died afterwards. */
  readonly #unsure = new Set<string>();
  #ended = 0;
  settled = 0;

  /** `cycle`: numbers of a cycle of names; the last event of a call ends one. */
  constructor(calls: number, cycle: number) {
    this.#cycle = cycle;
    this.#calls = Array.from({ length: calls }, () => ({ next: 1, open: 0, missing: new Set(), isEnded: false }));
  }

  take({ call: number, n, attempt }: GroupArrival): GroupVerdict {
    const call = this.#callOf(number);
    if (n === call.open) return attempt > 1 ? 'again' : 'doubled';
    if (n < call.next) {
      if (call.missing.delete(n)) return 'inverted';
      return attempt > 1 && this.#unsure.has(`${number}:${n}`) ? 'repeated' : 'doubled';
    }
    if (isRefusedForGood(number, call)) call.next = call.open + 1;
    for (let passed = call.next; passed < n; passed += 1) call.missing.add(passed);
    call.open = n;
    call.next = n;
    return 'next';
  }

  settle({ call: number, n, isLast }: Pick<GroupArrival, 'call' | 'n' | 'isLast'>): void {
    const call = this.#callOf(number);
    if (n !== call.open) return;
    call.open = 0;
    call.next = n + 1;
    this.settled += 1;
    if (isLast && n % this.#cycle === 0 && !call.isEnded) {
      call.isEnded = true;
      this.#ended += 1;
    }
  }

  /** These were settled by a connection that died: whether the gateway took it is not known. */
  died(settled: Iterable<string>): void {
    for (const key of settled) this.#unsure.add(key);
  }

  get isComplete(): boolean {
    return this.#ended === this.#calls.length;
  }

  /** Skipped numbers, and one for each call whose end was never settled. */
  get lost(): number {
    return this.#calls.reduce((sum, call, number) => sum + call.missing.size + (this.#isOver(number) ? 0 : 1), 0);
  }

  /** How many events of a call were settled, skipped, or refused for good. */
  reached(number: number): number {
    const call = this.#callOf(number);
    return isRefusedForGood(number, call) ? call.open : call.next - 1;
  }

  #isOver(number: number): boolean {
    const call = this.#callOf(number);
    return call.isEnded || (isRefusedForGood(number, call) && call.open % this.#cycle === 0);
  }

  #callOf(number: number): Call {
    const call = this.#calls[number];
    if (call === undefined) throw new RangeError(`there is no call ${number}`);
    return call;
  }
}

/** Delivered and not settled, and refused by every consumer. */
function isRefusedForGood(number: number, { open }: Call): boolean {
  return open > 0 && deedOf(number, open) === 'nack_always';
}
