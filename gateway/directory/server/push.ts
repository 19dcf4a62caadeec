import type { Logger } from '../../../runtime/logging/logger.ts';

const LIMIT_MS = 5_000;

/**
 * Asks gateways to ask for the directory now. One that cannot be reached asks at its next poll anyway: that is logged once
 * until it succeeds.
 */
export function pusher(urls: readonly string[], token: string, logger: Logger): () => Promise<void> {
  const failed = new Set<string>();
  const push = async (url: string) => {
    try {
      const headers = { authorization: `Bearer ${token}` };
      const { status } = await fetch(url, {
        method: 'POST',
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(LIMIT_MS),
      });
      if (status === 202) return void failed.delete(url);
      throw new Error(`status ${status}`);
    } catch (error) {
      if (!failed.has(url)) logger.warn({ url, reason: reasonOf(error) }, 'gateways cannot be told of a new directory');
      failed.add(url);
    }
  };
  return async () => void (await Promise.all(urls.map(push)));
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? message;
}
