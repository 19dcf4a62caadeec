import { resourceKeys } from '../../protocol/keys.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';

interface StoredGrant {
  /** SHA-256 (base64url) of `grant`: equal grants share one slot. */
  readonly digest: string;
  /** Canonical JSON. */
  readonly grant: string;
  /** Account and user; the number of their grants is bounded. */
  readonly owner: string;
  readonly ttlMs: number;
}

/** Large grants by their digest, until the last token that names them ends. */
export interface GrantStore {
  /** Rejects with a GrantStoreUnavailable, or with TooManyGrants. */
  put(stored: StoredGrant): Promise<void>;
  /** Null when there is none. Rejects with a GrantStoreUnavailable. The caller checks the result against the token. */
  get(digest: string): Promise<string | null>;
}

export class GrantStoreUnavailable extends Error {
  override readonly name = 'GrantStoreUnavailable';
  readonly code: string;
  constructor(code: string) {
    super(`grants cannot be stored or found now: ${code}`);
    this.code = code;
  }
}

/** The owner has the largest permitted number of different large grants. */
export class TooManyGrants extends Error {
  override readonly name = 'TooManyGrants';
  readonly code = 'too_many_grants';
  readonly most = MOST_GRANTS;
  /** Time until the first of them ends. */
  readonly retryAfterS: number;
  constructor(waitMs: number) {
    super(`one owner has ${MOST_GRANTS} different large grants`);
    this.retryAfterS = Math.max(1, Math.ceil(waitMs / 1000));
  }
}

/** Most different large grants of one owner: at 65 KB each, 1 MiB. */
const MOST_GRANTS = 16;

/**
 * KEYS: the owner's grants, digests by their end. ARGV: digest, lifetime in ms, most. Replies 0, or the milliseconds
 * until there is room. The clock is Redis's.
 */
const CLAIM = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local held = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
if held == 0 and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
  return math.ceil(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] - now)
end
redis.call('ZADD', KEYS[1], math.max(held, now + ARGV[2]), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0`);

/** KEYS: grant. ARGV: its text, lifetime in ms. An older token of the same grant may last longer. */
const KEEP = defineScript(`
if redis.call('PTTL', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`);

export function redisGrantStore(redis: RedisClient, place: { prefix: string; resource: string }): GrantStore {
  const keys = resourceKeys(place.prefix, place.resource);
  const reached = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      // Not attached as a cause: an ioredis error contains the command's arguments.
      throw new GrantStoreUnavailable(redisErrorCode(error));
    }
  };
  return {
    async put({ digest, grant, owner, ttlMs }) {
      const claim = { keys: [keys.grantsOf(owner)], args: [digest, String(ttlMs), String(MOST_GRANTS)] };
      const waitMs = Number(await reached(runScript(redis, CLAIM, claim)));
      if (waitMs > 0) throw new TooManyGrants(waitMs);
      await reached(runScript(redis, KEEP, { keys: [keys.grant(digest)], args: [grant, String(ttlMs)] }));
    },
    get: (digest) => reached(redis.get(keys.grant(digest))),
  };
}

const DEFAULT_MAX_BYTES = 33_554_432;

/**
 * For one process. Its size in bytes is bounded too: the oldest grant is dropped first. After a restart or a drop the
 * client gets 401 and logs in again.
 */
export function memoryGrantStore(now: () => number, maxBytes: number = DEFAULT_MAX_BYTES): GrantStore {
  const grants = new Map<string, { readonly grant: string; readonly owners: Map<string, number> }>();
  let bytes = 0;
  const endOf = (owners: ReadonlyMap<string, number>) => Math.max(0, ...owners.values());
  const drop = (digest: string) => {
    bytes -= grants.get(digest)?.grant.length ?? 0;
    grants.delete(digest);
  };
  const endsOf = (owner: string) =>
    [...grants.values()].flatMap(({ owners }) => {
      const end = owners.get(owner) ?? 0;
      return end > now() ? [end] : [];
    });
  return {
    async put({ digest, grant, owner, ttlMs }) {
      const owners = new Map(grants.get(digest)?.owners);
      const held = owners.get(owner) ?? 0;
      const ends = held > now() ? [] : endsOf(owner);
      if (ends.length >= MOST_GRANTS) throw new TooManyGrants(Math.min(...ends) - now());
      for (const [other, end] of owners) if (end <= now()) owners.delete(other);
      drop(digest);
      grants.set(digest, { grant, owners: owners.set(owner, Math.max(held, now() + ttlMs)) });
      bytes += grant.length;
      for (const [oldest, { owners: last }] of grants) {
        if (endOf(last) > now() && bytes <= maxBytes) break;
        drop(oldest);
      }
    },
    async get(digest) {
      const found = grants.get(digest);
      return found !== undefined && endOf(found.owners) > now() ? found.grant : null;
    },
  };
}
