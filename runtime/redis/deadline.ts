import { RedisTimeout } from './error-code.ts';

/**
 * The outcome of `work`, or a RedisTimeout after `ms`, or the signal's reason. The work itself is not stopped: the
 * caller must close the connection of an abandoned command.
 */
export async function withDeadline<T>(work: Promise<T>, options: { ms: number; signal?: AbortSignal }): Promise<T> {
  const { ms, signal } = options;
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RedisTimeout(`no answer within ${ms} ms`)), ms);
    if (!signal) return;
    abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    if (abort) signal?.removeEventListener('abort', abort);
  }
}
