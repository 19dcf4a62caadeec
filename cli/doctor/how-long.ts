const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A time in the largest useful unit: `40 days`, `1 day`, `7 hours`, `less than an hour`. */
export function howLong(milliseconds: number): string {
  if (milliseconds < HOUR_MS) return 'less than an hour';
  const [unit, name] = milliseconds < DAY_MS ? [HOUR_MS, 'hour'] : [DAY_MS, 'day'];
  const count = Math.floor(milliseconds / unit);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
