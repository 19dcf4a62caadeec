import type { Redis } from 'ioredis';
import type { Log } from '../log/log.ts';
import { redisErrorCode } from './error-code.ts';

const outages = new WeakMap<Redis, Set<string>>();

/**
 * One line a reason and outage, and one when it is over: a client that retries for an hour says so once. The error
 * itself is never logged, see README.md.
 */
export function watchOutages(client: Redis, options: { log: Log; name: string; level: 'warn' | 'debug' }): void {
  const { log, name, level } = options;
  const reasons = new Set<string>();
  outages.set(client, reasons);
  client.on('error', (error: unknown) => {
    const code = redisErrorCode(error);
    if (reasons.has(code)) return;
    reasons.add(code);
    log[level]({ client: name, code }, 'Redis is not available');
  });
  client.on('ready', () => {
    if (reasons.size === 0) return;
    reasons.clear();
    log[level === 'warn' ? 'info' : level]({ client: name }, 'Redis is available again');
  });
}

/** Why the client has no connection now, as far as it knows: the last new reason of this outage. */
export function outageCode(client: Redis): string | null {
  return [...(outages.get(client) ?? [])].at(-1) ?? null;
}
