/** What a caller may take of a turn of the event loop, in milliseconds: at least this, and at most that. */
const LEAST_MS = 0.25;
const MOST_MS = 5;
/** The share of a turn. In a busy process a turn lasts tens of milliseconds, and then there is one turn in that time. */
const SHARE = 0.1;

/** Settles when it is the caller's turn, with the milliseconds that it may take. */
export type Turn = () => Promise<number>;

/**
 * In each turn of the event loop, lets one of all its callers continue, in the order of their requests: a thousand
 * concurrent snapshots, or the keepers of all partitions, delay no client's events. `now`: milliseconds of a monotonic
 * clock.
 */
export function createPace(now = performance.now.bind(performance)): Turn {
  const waiting: ((shareMs: number) => void)[] = [];
  let turnSince = 0;
  const schedule = () => {
    turnSince = now();
    setImmediate(next);
  };
  const next = () => {
    const lastedMs = now() - turnSince;
    waiting.shift()?.(Math.min(MOST_MS, Math.max(LEAST_MS, lastedMs * SHARE)));
    if (waiting.length > 0) schedule();
  };
  return () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) schedule();
    });
}

/** Waits at most `limitMs` for a call of the function that `begin` receives; false when it was not called by then. */
export function within(limitMs: number, begin: (done: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs, false);
    begin(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
