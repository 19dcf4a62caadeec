import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Subscription } from '../../protocol/subscription.ts';
import { parseRedisUrl, redisConnection, type RedisConnection } from './connection.ts';

/** What the environment says of Redis; absent is not given. */
export interface RedisEnvironment {
  readonly REDIS_URL?: string | undefined;
  readonly REDIS_CA_FILE?: string | undefined;
  readonly REDIS_CERT_FILE?: string | undefined;
  readonly REDIS_KEY_FILE?: string | undefined;
  readonly REDIS_SENTINEL_USERNAME?: string | undefined;
  readonly REDIS_SENTINEL_PASSWORD?: string | undefined;
}

const FILES = ['REDIS_CA_FILE', 'REDIS_CERT_FILE', 'REDIS_KEY_FILE'] as const;
const ONLY_WITH_URL = [...FILES, 'REDIS_SENTINEL_USERNAME', 'REDIS_SENTINEL_PASSWORD'] as const;

/**
 * The Redis that environment, files and subscription together describe; null for none. `faults` is everything that is
 * wrong, without a secret. `spec` is null when the subscription itself is faulty.
 */
export async function readRedis(
  given: RedisEnvironment,
  spec: Subscription['spec']['redis'] | null,
): Promise<{ readonly connection: RedisConnection | null; readonly faults: readonly string[] }> {
  if (given.REDIS_URL === undefined) return { connection: null, faults: withoutUrl(given, spec) };
  const files = await Promise.all(FILES.map((name) => readPem(name, given[name])));
  const faults = files.flatMap(({ fault }) => (fault === null ? [] : [fault]));
  const [ca, cert, key] = files.map(({ text }) => text);
  if (faults.length === 0 && cert && key && !belongTogether(cert, key))
    faults.push("REDIS_CERT_FILE, REDIS_KEY_FILE: the key is not the certificate's");
  if (spec === null) {
    if (parseRedisUrl(given.REDIS_URL) === null) faults.push('REDIS_URL: is no URL of a Redis');
    return { connection: null, faults };
  }
  const outcome = redisConnection({
    url: given.REDIS_URL,
    spec,
    sentinelUsername: given.REDIS_SENTINEL_USERNAME,
    sentinelPassword: given.REDIS_SENTINEL_PASSWORD,
    ca,
    cert,
    key,
  });
  if ('faults' in outcome) return { connection: null, faults: [...faults, ...outcome.faults] };
  return { connection: outcome.connection, faults };
}

function withoutUrl(given: RedisEnvironment, spec: Subscription['spec']['redis'] | null): string[] {
  const alone = ONLY_WITH_URL.filter((name) => given[name] !== undefined);
  return [
    ...(alone.length > 0 ? [`${alone.join(', ')}: without REDIS_URL there is no Redis to use it for`] : []),
    ...(spec !== null && spec.mode !== 'Standalone'
      ? [`REDIS_URL: is not given, but spec.redis.mode is ${spec.mode}`]
      : []),
  ];
}

async function readPem(name: string, path: string | undefined): Promise<{ text: string; fault: string | null }> {
  if (path === undefined) return { text: '', fault: null };
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return { text: '', fault: `${name}: ${path} cannot be read (${code})` };
  }
  const isKey = name === 'REDIS_KEY_FILE';
  try {
    void (isKey ? createPrivateKey(text) : new X509Certificate(text));
    return { text, fault: null };
  } catch {
    const what = isKey ? 'an unencrypted private key' : 'a certificate';
    return { text: '', fault: `${name}: ${path} does not hold ${what} in PEM form` };
  }
}

function belongTogether(cert: string, key: string): boolean {
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}
