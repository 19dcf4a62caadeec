const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Milliseconds of a duration that the schema has accepted. */
export function durationMs(duration: string): number {
  let total = 0;
  for (const [, amount, unit] of duration.matchAll(/(\d+)(ms|[hms])/g))
    total += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  return total;
}
