/** What the well-behaved client saw in one window. Times in milliseconds. */
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

export interface Verdict {
  readonly quietP99: number;
  readonly attackedP99: number;
  readonly slowestLogin: number;
  readonly faults: readonly string[];
}

/** I15: the p99 of others moves by at most 10 %. */
const RATIO = 1.1;
/** Attacker, gateway and client share the cores of one machine: a move below this is the scheduler, not the gateway. */
const NOISE_MS = 15;
const LOGIN_LIMIT_MS = 2_000;

/** The 99th percentile; 0 of nothing. */
export function p99(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? 0;
}

/** Judges an attacked window by the quiet ones around it. Pure. */
export function judge(quiet: readonly Window[], attacked: Window): Verdict {
  const quietP99 = Math.max(...quiet.map(({ latencies }) => p99(latencies)));
  const attackedP99 = p99(attacked.latencies);
  const slowestLogin = Math.max(0, ...attacked.logins.map(({ ms }) => ms));
  const refused = attacked.logins.filter(({ status }) => status !== 200);
  const faults = [
    ...(attacked.latencies.length === 0 ? ['the client received no event'] : []),
    ...(attacked.logins.length === 0 ? ['the client finished no login'] : []),
    ...(attacked.missing > 0 ? [`${attacked.missing} events did not arrive`] : []),
    ...(attackedP99 > Math.max(quietP99 * RATIO, quietP99 + NOISE_MS)
      ? [`event p99 is ${attackedP99.toFixed(1)} ms, ${quietP99.toFixed(1)} ms when quiet`]
      : []),
    ...(slowestLogin > LOGIN_LIMIT_MS ? [`a login took ${slowestLogin.toFixed(0)} ms`] : []),
    ...(refused.length > 0 ? [`${refused.length} logins were refused, the first with ${refused[0]?.status}`] : []),
  ];
  return { quietP99, attackedP99, slowestLogin, faults };
}
