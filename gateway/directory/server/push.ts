import type { Logger } from '../../../runtime/logging/logger.ts';

const LIMIT_MS = 5_000;

/** Requests a poll of the directory from the gateways. */
export interface Pusher extends AsyncDisposable {
  /** Never rejects, and does not wait for the answers. */
  tell(): void;
}

/**
 * At most one request to each gateway runs and one waits, however many changes there are. An unreachable gateway polls
 * later anyway: its failure is logged once until a request succeeds.
 */
export function openPusher(
  urls: readonly string[],
  { token, logger, onPush }: { token: string; logger: Logger; onPush: (outcome: 'told' | 'failed') => void },
): Pusher {
  const stop = new AbortController();
  const places = urls.map((url) => {
    let hasFailed = false;
    return async () => {
      const reason = await push(url, token, stop.signal);
      if (stop.signal.aborted) return;
      onPush(reason === null ? 'told' : 'failed');
      if (reason !== null && !hasFailed) logger.warn({ url, reason }, 'gateways cannot be notified of a new directory');
      hasFailed = reason !== null;
    };
  });
  const queues = places.map((ask) => oneAtATime(ask));
  return {
    tell() {
      for (const queue of queues) queue.ask();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(queues.map(({ idle }) => idle()));
    },
  };
}

function oneAtATime(ask: () => Promise<void>) {
  let running: Promise<void> | null = null;
  let isAskedAgain = false;
  const run = async () => {
    do {
      isAskedAgain = false;
      await ask();
    } while (isAskedAgain);
    running = null;
  };
  return {
    ask() {
      isAskedAgain = true;
      running ??= run();
    },
    idle: async () => {
      await running;
    },
  };
}

/** Why it failed; null for success. */
async function push(url: string, token: string, stop: AbortSignal): Promise<string | null> {
  try {
    const { status } = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      redirect: 'error',
      signal: AbortSignal.any([stop, AbortSignal.timeout(LIMIT_MS)]),
    });
    return status === 202 ? null : `status ${status}`;
  } catch (error) {
    const { cause, message } = error as Error;
    return (cause as NodeJS.ErrnoException | undefined)?.code ?? message;
  }
}
