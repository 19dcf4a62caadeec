import type { Subscription } from '../../protocol/subscription.ts';
import type { AddressPolicy } from '../net/address-guard.ts';
import { belongTogether, readPem } from '../files/pem-file.ts';
import { secretValue } from '../files/secret-value.ts';
import type { ValuesOf } from '../settings/setting.ts';
import { parseRedisUrl, redisConnection, type RedisConnection } from './connection.ts';
import type { REDIS_SETTINGS } from './redis-settings.ts';
import { readText, unreadable } from '../files/text-file.ts';

/** The settings of REDIS_SETTINGS, null or absent when not given. */
export type RedisEnvironment = Partial<ValuesOf<typeof REDIS_SETTINGS>>;

const FILES = ['REDIS_CA_FILE', 'REDIS_CERT_FILE', 'REDIS_KEY_FILE'] as const;
const ONLY_WITH_URL = [...FILES, 'REDIS_SENTINEL_USERNAME', 'REDIS_SENTINEL_PASSWORD'] as const;

/**
 * The Redis that environment, files and subscription together describe; null for none. `faults` is every fault, without
 * a secret. `spec` is null when the subscription itself is faulty.
 */
export async function readRedis(
  given: RedisEnvironment,
  spec: Subscription['spec']['redis'] | null,
  guard: AddressPolicy | null = null,
): Promise<{ readonly connection: RedisConnection | null; readonly faults: readonly string[] }> {
  const { url, fault } = await readUrl(given);
  if (fault !== null) return { connection: null, faults: [fault] };
  if (url === null) return { connection: null, faults: withoutUrl(given, spec) };
  const files = await Promise.all(
    FILES.map((name) => readPem(name, given[name] ?? null, name === 'REDIS_KEY_FILE' ? 'key' : 'certificate')),
  );
  const faults = files.flatMap((one) => (one.fault === null ? [] : [one.fault]));
  const [ca, cert, key] = files.map(({ text }) => text);
  if (faults.length === 0 && cert && key && !belongTogether(cert, key))
    faults.push("REDIS_CERT_FILE, REDIS_KEY_FILE: the key is not the certificate's");
  if (spec === null) {
    if (parseRedisUrl(url) === null) faults.push('REDIS_URL: is no URL of a Redis');
    return { connection: null, faults };
  }
  const outcome = redisConnection({
    url,
    spec,
    sentinelUsername: given.REDIS_SENTINEL_USERNAME ?? '',
    sentinelPassword: given.REDIS_SENTINEL_PASSWORD ?? '',
    ca,
    cert,
    key,
    guard,
  });
  if ('faults' in outcome) return { connection: null, faults: [...faults, ...outcome.faults] };
  return { connection: outcome.connection, faults };
}

/** The URL from the variable or the file. Null when neither is given. */
async function readUrl({
  REDIS_URL = null,
  REDIS_URL_FILE = null,
}: RedisEnvironment): Promise<{ readonly url: string | null; readonly fault: string | null }> {
  if (REDIS_URL_FILE === null) return { url: REDIS_URL, fault: null };
  const failed = (fault: string) => ({ url: null, fault });
  if (REDIS_URL !== null) return failed('REDIS_URL, REDIS_URL_FILE: one of them, not both');
  try {
    const read = secretValue(await readText(REDIS_URL_FILE));
    return 'value' in read
      ? { url: read.value, fault: null }
      : failed(`REDIS_URL_FILE: ${REDIS_URL_FILE} ${read.fault}`);
  } catch (error) {
    return failed(`REDIS_URL_FILE: ${REDIS_URL_FILE} ${unreadable(error)}`);
  }
}

function withoutUrl(given: RedisEnvironment, spec: Subscription['spec']['redis'] | null): string[] {
  const alone = ONLY_WITH_URL.filter((name) => (given[name] ?? null) !== null);
  return [
    ...(alone.length > 0
      ? [`${alone.join(', ')}: without REDIS_URL or REDIS_URL_FILE there is no Redis to use it for`]
      : []),
    ...(spec !== null && spec.mode !== 'Standalone'
      ? [`REDIS_URL: is not given, but spec.redis.mode is ${spec.mode}`]
      : []),
  ];
}
