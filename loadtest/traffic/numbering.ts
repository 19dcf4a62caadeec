/**
 * The numbers in each event of a load test, by which lost, doubled and inverted events are found. Calls are numbered
 * from 0 and never end; the events of a call are numbered from 1, and their names follow from the number: a filter
 * determines the owed numbers. The last whole cycle of names of each call is marked. Pure.
 */
export interface Numbering {
  readonly run: string;
  readonly call: number;
  readonly n: number;
  /** Of the last cycle of names: no event of this call follows it. */
  readonly isLast: boolean;
  /** Unix milliseconds by the producer's clock. */
  readonly sentAt: number;
  /** The producer's phase, for example `calm`. */
  readonly phase: string;
}

/** The phase of the calls' ends: they come in one burst, and are not timed. */
export const END_PHASE = 'end';

/** The names of a call's events, repeated. */
export const NAMES = [
  'CHANNEL_CREATE',
  'CHANNEL_PROGRESS',
  'CHANNEL_ANSWER',
  'CHANNEL_BRIDGE',
  'DTMF',
  'CHANNEL_DESTROY',
] as const;
export const CYCLE = NAMES.length;

export const nameOf = (n: number): string => NAMES[(n - 1) % CYCLE] ?? 'DTMF';

/** Calls take their accounts in turn. */
export const accountOf = (call: number, accounts: readonly string[]): string => accounts[call % accounts.length] ?? '';

const KEY = '"Load-Test":"';

/** A member of the event's JSON, without braces and commas. */
export function encodeNumbering({ run, call, n, isLast, sentAt, phase }: Numbering): string {
  return `${KEY}${run} ${call} ${n} ${isLast ? 1 : 0} ${sentAt} ${phase}"`;
}

/**
 * Null for an event that does not belong to a load test. Searches for the member instead of parsing: engines of k6
 * parse slowly.
 */
export function decodeNumbering(text: string): Numbering | null {
  const from = text.lastIndexOf(KEY);
  if (from < 0) return null;
  const start = from + KEY.length;
  const [run = '', call, n, isLast, sentAt, phase = ''] = text.slice(start, text.indexOf('"', start)).split(' ');
  return { run, call: Number(call), n: Number(n), isLast: isLast === '1', sentAt: Number(sentAt), phase };
}
