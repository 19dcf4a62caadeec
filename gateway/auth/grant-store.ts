import type { RedisClient } from '../../runtime/redis/client.ts';
import { resourceKeys } from '../../protocol/keys.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';

/** Large grants, under the `jti` of their token, until it ends. What it gives back is checked against the token. */
export interface GrantStore {
  /** Rejects with a GrantStoreUnavailable. */
  put(tokenId: string, grant: string, ttlMs: number): Promise<void>;
  /** Null when there is none. Rejects with a GrantStoreUnavailable. */
  get(tokenId: string): Promise<string | null>;
}

export class GrantStoreUnavailable extends Error {
  override readonly name = 'GrantStoreUnavailable';
  readonly code: string;
  constructor(code: string) {
    super(`grants cannot be kept or found now: ${code}`);
    this.code = code;
  }
}

export function redisGrantStore(redis: RedisClient, options: { prefix: string; resource: string }): GrantStore {
  const keys = resourceKeys(options.prefix, options.resource);
  const reached = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      // Not attached as a cause: an ioredis error carries the command's arguments.
      throw new GrantStoreUnavailable(redisErrorCode(error));
    }
  };
  return {
    async put(tokenId, grant, ttlMs) {
      await reached(redis.set(keys.grant(tokenId), grant, 'PX', ttlMs));
    },
    get: (tokenId) => reached(redis.get(keys.grant(tokenId))),
  };
}

const DEFAULT_MAX_BYTES = 33_554_432;

/** For one process: bounded in bytes, the oldest goes first. A restart, or going first, means 401 and a new login. */
export function memoryGrantStore(now: () => number, maxBytes: number = DEFAULT_MAX_BYTES): GrantStore {
  const grants = new Map<string, { grant: string; endsAt: number }>();
  let bytes = 0;
  const drop = (tokenId: string) => {
    bytes -= grants.get(tokenId)?.grant.length ?? 0;
    grants.delete(tokenId);
  };
  return {
    async put(tokenId, grant, ttlMs) {
      drop(tokenId);
      grants.set(tokenId, { grant, endsAt: now() + ttlMs });
      bytes += grant.length;
      for (const [oldest, { endsAt }] of grants) {
        if (endsAt > now() && bytes <= maxBytes) break;
        drop(oldest);
      }
    },
    async get(tokenId) {
      const found = grants.get(tokenId);
      return found !== undefined && found.endsAt > now() ? found.grant : null;
    },
  };
}
