/**
 * Lets one of all that write calls go on in each turn of the event loop, in the order in which they ask: a thousand snapshots at once
 * hold up nobody else's events.
 */
export function createPace(): () => Promise<void> {
  const waiting: (() => void)[] = [];
  const next = () => {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(next);
  };
  return () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(next);
    });
}

/** Waits at most `limitMs` for what `begin` is told to call; false: it was not called by then. */
export function within(limitMs: number, begin: (done: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs, false);
    begin(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
