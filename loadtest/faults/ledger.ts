/** One event as a consumer got it. */
export interface Arrival {
  readonly call: number;
  /** Counts up by one within its call, from 1. */
  readonly n: number;
  readonly id: string;
}

/** What a consumer was owed and what it got; everything but `told` must be 0 in a sound run. */
export interface Account {
  readonly owed: number;
  readonly lost: number;
  /** The same event more than once, outside a redelivery. */
  readonly doubled: number;
  /** An event after a later one of its call, both for the first time. */
  readonly inverted: number;
  /** Events that were never published to this consumer's scope. */
  readonly foreign: number;
}

/**
 * Accounts for each event at one consumer. `produced` holds, by call, how many events were acknowledged to the
 * producer; `isOwed` says which of them are for this consumer. Pure.
 */
export function accountFor(
  produced: readonly number[],
  isOwed: (call: number, n: number) => boolean,
  arrivals: readonly Arrival[],
): Account {
  const got = new Map<string, number>();
  const last = new Map<number, number>();
  let [doubled, inverted, foreign] = [0, 0, 0];
  for (const { call, n } of arrivals) {
    const key = `${call}:${n}`;
    const times = got.get(key) ?? 0;
    got.set(key, times + 1);
    if (!isOwed(call, n)) foreign += 1;
    if (times > 0) doubled += 1;
    else if (n < (last.get(call) ?? 0)) inverted += 1;
    last.set(call, Math.max(n, last.get(call) ?? 0));
  }
  let [owed, lost] = [0, 0];
  for (const [call, count] of produced.entries()) {
    for (let n = 1; n <= count; n += 1) {
      if (!isOwed(call, n)) continue;
      owed += 1;
      if (!got.has(`${call}:${n}`)) lost += 1;
    }
  }
  return { owed, lost, doubled, inverted, foreign };
}

/** What is wrong with an account, in words; empty when nothing is. */
export function faultsOf(who: string, account: Account): string[] {
  const { lost, doubled, inverted, foreign } = account;
  return Object.entries({ lost, doubled, inverted, foreign }).flatMap(([what, count]) =>
    count === 0 ? [] : [`${who}: ${count} of ${account.owed} ${what}`],
  );
}
