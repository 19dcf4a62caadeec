import { setTimeout as delay } from 'node:timers/promises';
import { sourcesKey } from '../protocol/keys.ts';
import { decodeSourceEntry, encodeSourceEntry } from '../protocol/source-report.ts';
import type { RedisClient } from '../runtime/redis/client.ts';
import { redisErrorCode } from '../runtime/redis/error-code.ts';

const EVERY_MS = 30_000;
/** A source that has said nothing for this long is removed by another one that starts. */
const FORGOTTEN_MS = 7 * 86_400_000;

export interface RegisterOptions {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  /** `<namespace>/<name>`. */
  readonly source: string;
  readonly kind: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Enters the source in the list of all, again and again until the signal. What Redis refuses is written the next time. */
export async function registerSource({ client, keyPrefix, source, kind, now, signal }: RegisterOptions): Promise<void> {
  const key = sourcesKey(keyPrefix);
  let isFirst = true;
  while (!signal.aborted) {
    try {
      await client.hset(key, source, encodeSourceEntry({ kind, at: now() }));
      if (isFirst) await forget(client, key, now() - FORGOTTEN_MS);
      isFirst = false;
    } catch (error) {
      if (redisErrorCode(error) === 'UNKNOWN') throw error;
    }
    await delay(EVERY_MS, undefined, { signal, ref: false }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

async function forget(client: RedisClient, key: string, before: number): Promise<void> {
  const entries = Object.entries(await client.hgetall(key));
  const gone = entries.filter(([, text]) => (decodeSourceEntry(text)?.at ?? 0) < before).map(([name]) => name);
  if (gone.length > 0) await client.hdel(key, ...gone);
}
