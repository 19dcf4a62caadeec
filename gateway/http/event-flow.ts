/** Events that were delivered this long ago still count. */
const RECENT_MS = 1_000;

/**
 * Whether events are delivered at present: then other work can delay them. `position` is another object after each round
 * of deliveries; `now` in milliseconds of a monotonic clock.
 */
export function eventFlow(position: () => object | null): (now: number) => boolean {
  let last = position();
  let changedAt = Number.NEGATIVE_INFINITY;
  return (now) => {
    const present = position();
    if (present !== last) changedAt = now;
    last = present;
    return now - changedAt < RECENT_MS;
  };
}
