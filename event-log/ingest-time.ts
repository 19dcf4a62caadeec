const STEP_MS = 50;
let origin = performance.timeOrigin;

/**
 * The present Unix time in microseconds, as digits. Wall-clock time has only whole milliseconds. The monotonic clock is
 * finer, but does not follow changes of the system clock, so it is anchored again when the two diverge.
 */
export function microsecondsNow(): string {
  const elapsed = performance.now();
  const wall = Date.now();
  if (Math.abs(origin + elapsed - wall) > STEP_MS) origin = wall - elapsed;
  return String(Math.round((origin + elapsed) * 1000));
}
