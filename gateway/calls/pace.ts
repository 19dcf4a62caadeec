/**
 * In each turn of the event loop, lets one of all writers of calls continue, in the order of their requests: a thousand
 * concurrent snapshots delay no other client's events.
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
