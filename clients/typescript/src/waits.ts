/** The longest time of a timer; with a longer one it fires at once. */
const LONGEST_MS = 2_147_483_647;

/** Milliseconds that the other side requested; 0 for an invalid time. Never more than a timer allows. Pure. */
export function askedMs(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.min(value, LONGEST_MS) : 0;
}

/** Resolves after this time, or when the signal is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(milliseconds, LONGEST_MS));
    signal.addEventListener('abort', done, { once: true });
  });
}

/**
 * The result of a caller's promise; rejects at once when the signal is aborted, because the promise may never settle.
 */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new Error('aborted'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
