import { Oracle, type Faults } from './oracle.ts';

/** One event as a consumer got it. */
export interface Arrival {
  readonly call: number;
  /** Counts up by one within its call, from 1. */
  readonly n: number;
  readonly id: string;
}

export interface Account extends Faults {
  readonly owed: number;
}

/**
 * Accounts for all arrivals at one consumer. `produced` holds, by call, how many events were acknowledged to the producer;
 * `isOwed` says which of them are for this consumer. Pure.
 */
export function accountFor(
  produced: readonly number[],
  isOwed: (call: number, n: number) => boolean,
  arrivals: readonly Arrival[],
): Account {
  const oracle = new Oracle({ owes: isOwed });
  for (const { call, n } of arrivals) oracle.take(call, n);
  let owed = 0;
  for (const [call, count] of produced.entries()) {
    for (let n = 1; n <= count; n += 1) if (isOwed(call, n)) owed += 1;
  }
  return { owed, ...oracle.faults(produced.entries()) };
}

/**
 * Accounts for arrivals that carry no number: `expected` holds what the consumer is owed in the order of publishing, each
 * `text` once. Pure.
 */
export function accountForTexts(
  expected: readonly { readonly call: string; readonly text: string }[],
  arrivals: readonly string[],
): Account {
  const counts = new Map<string, number>();
  const places = new Map<string, readonly [call: string, n: number]>();
  for (const { call, text } of expected) {
    const n = (counts.get(call) ?? 0) + 1;
    counts.set(call, n);
    places.set(text, [call, n]);
  }
  const oracle = new Oracle<string>({ owes: (call, n) => n <= (counts.get(call) ?? 0) });
  for (const text of arrivals) oracle.take(...(places.get(text) ?? ([text, Infinity] as const)));
  return { owed: expected.length, ...oracle.faults(counts) };
}

/** The faults of an account as text; empty when there are none. */
export function faultsOf(who: string, account: Account): string[] {
  const { lost, doubled, inverted, foreign } = account;
  return Object.entries({ lost, doubled, inverted, foreign }).flatMap(([what, count]) =>
    count === 0 ? [] : [`${who}: ${count} of ${account.owed} ${what}`],
  );
}
