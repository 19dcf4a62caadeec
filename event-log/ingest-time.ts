const STEP_MS = 50;
let origin = performance.timeOrigin;

/**
 * Now, in microseconds of Unix time, as digits. Wall-clock time has whole milliseconds only; the monotonic clock has
 * finer ones but does not follow a clock that was set, so it is anchored again when the two diverge.
 */
export function microsecondsNow(): string {
  const elapsed = performance.now();
  const wall = Date.now();
  if (Math.abs(origin + elapsed - wall) > STEP_MS) origin = wall - elapsed;
  return String(Math.round((origin + elapsed) * 1000));
}
