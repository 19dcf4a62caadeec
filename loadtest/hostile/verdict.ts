import { isSlower, median, p99 } from '../../testing/compare-p99.ts';

/** The well-behaved client's measurements in one window. Times in milliseconds. */
export interface Window {
  readonly latencies: readonly number[];
  readonly logins: readonly LoginTry[];
  /** Events that were accepted and did not arrive within the limit. */
  readonly missing: number;
}

export interface LoginTry {
  readonly status: number;
  readonly ms: number;
}

/** Three windows in a row on one machine. */
export interface Round {
  /** Without an attack. */
  readonly quiet: Window;
  /** The attack goes to a decoy: its cost for the machine. */
  readonly beside: Window;
  /** The attack goes to the gateway of the well-behaved client. */
  readonly attacked: Window;
}

export interface Verdict {
  /** Over the rounds, in milliseconds. */
  readonly quietP99: number;
  readonly besideP99: number;
  readonly attackedP99: number;
  readonly slowestLogin: number;
  /** Depends on the machine's present load: more rounds may decide. */
  readonly slow: readonly string[];
  /** Independent of the machine. */
  readonly broken: readonly string[];
}

const LOGIN_LIMIT_MS = 2_000;

/**
 * Compares the attacked windows with those beside a decoy: the difference is the gateway's own part. Uses medians over
 * the rounds, so that one window on a busy machine decides nothing. On a machine with other load (`isShared`) the best
 * attacked window counts instead: the gateway's own effects occur in each of them. Pure.
 */
export function judge(rounds: readonly Round[], { isShared = false } = {}): Verdict {
  const all99 = (of: (round: Round) => Window) => rounds.map((round) => p99(of(round).latencies));
  const quietP99 = median(...all99(({ quiet }) => quiet));
  const besideP99 = median(...all99(({ beside }) => beside));
  const attackedP99 = (isShared ? Math.min : median)(...all99(({ attacked }) => attacked));
  const control = Math.max(quietP99, besideP99);
  const slow = isSlower(attackedP99, control, isShared)
    ? [`event p99 is ${ms(attackedP99)}, ${ms(besideP99)} beside a decoy, ${ms(quietP99)} when quiet`]
    : [];
  const attacked = rounds.map((round) => round.attacked);
  const slowestLogin = Math.max(0, ...attacked.flatMap(({ logins }) => logins.map((login) => login.ms)));
  return { quietP99, besideP99, attackedP99, slowestLogin, slow, broken: attacked.flatMap(brokenIn) };
}

/** Must never happen, on any machine. */
function brokenIn({ latencies, logins, missing }: Window): string[] {
  const refused = logins.filter(({ status }) => status !== 200);
  const slowest = Math.max(0, ...logins.map((login) => login.ms));
  return [
    ...(latencies.length === 0 ? ['the client received no event'] : []),
    ...(logins.length === 0 ? ['the client finished no login'] : []),
    ...(missing > 0 ? [`${missing} events did not arrive`] : []),
    ...(slowest > LOGIN_LIMIT_MS ? [`a login took ${ms(slowest)}`] : []),
    ...(refused.length > 0 ? [`${refused.length} logins were refused, the first with ${refused[0]?.status}`] : []),
  ];
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
