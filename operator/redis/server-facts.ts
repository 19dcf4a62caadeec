import type { RedisClient } from '../../runtime/redis/client.ts';
import { infoFields } from '../../runtime/redis/info.ts';

/** Facts about a Redis from its own answers. */
export interface ServerFacts {
  readonly version: string;
  /** What survives a restart. */
  readonly persistence: 'None' | 'RDB' | 'AOF' | 'Unknown';
  /** Whether it is new enough to be correct. */
  readonly isSupported: boolean;
}

const FLOOR = 7;

/** Queries the server. `CONFIG` is often forbidden: then it is unknown whether the server makes snapshots. */
export async function serverFacts(client: RedisClient): Promise<ServerFacts> {
  const info = infoFields(await client.info());
  const save = await client.config('GET', 'save').then(
    (pair) => pair[1] ?? null,
    () => null,
  );
  return factsOf(info, save);
}

/** Pure. Valkey reports `redis_version:7.2.4` beside its own version. `save` is null when it could not be queried. */
export function factsOf(info: ReadonlyMap<string, string>, save: string | null): ServerFacts {
  const redis = info.get('redis_version') ?? '';
  const valkey = info.get('valkey_version');
  const persistence =
    info.get('aof_enabled') === '1' ? 'AOF' : save === null ? 'Unknown' : save.trim() === '' ? 'None' : 'RDB';
  return {
    version: valkey === undefined ? redis : `Valkey ${valkey}`,
    persistence,
    isSupported: Number(redis.split('.')[0]) >= FLOOR,
  };
}
