import type { RedisClient } from '../../runtime/redis/client.ts';
import { resourceKeys } from '../../protocol/keys.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';

/** The places of all replicas. A place lasts for a while and is renewed. Rejects with a PlacesUnavailable. */
export interface SharedPlaces {
  /** False when the account has `most` already. */
  take(place: { account: string; member: string; most: number }): Promise<boolean>;
  give(account: string, members: readonly string[]): Promise<void>;
  /** Of one account, in batches; takes again what has run out. What is no longer held by its turn is left out. */
  renew(account: string, members: readonly string[], isHeld: (member: string) => boolean): Promise<void>;
}

export class PlacesUnavailable extends Error {
  override readonly name = 'PlacesUnavailable';
  readonly code: string;
  constructor(code: string) {
    super(`places cannot be shared now: ${code}`);
    this.code = code;
  }
}

/** KEYS: places. ARGV: member, most, ms that it lasts. Replies 1, or 0 when all are taken. The clock is Redis's. */
const TAKE = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`);

/** KEYS: places. ARGV: ms that they last, members. */
const RENEW = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[index]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`);

const BATCH = 500;

/** One sorted set an account: members by the time at which they run out. */
export function redisPlaces(
  redis: RedisClient,
  place: { prefix: string; resource: string; lastsMs?: number },
): SharedPlaces {
  const keys = resourceKeys(place.prefix, place.resource);
  const lasts = String(place.lastsMs ?? 15_000);
  const reached = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      // Not attached as a cause: an ioredis error carries the command's arguments.
      throw new PlacesUnavailable(redisErrorCode(error));
    }
  };
  return {
    async take({ account, member, most }) {
      const input = { keys: [keys.places(account)], args: [member, String(most), lasts] };
      return (await reached(runScript(redis, TAKE, input))) === 1;
    },
    async give(account, members) {
      for (let at = 0; at < members.length; at += BATCH) {
        await reached(redis.zrem(keys.places(account), ...members.slice(at, at + BATCH)));
      }
    },
    async renew(account, members, isHeld) {
      for (let at = 0; at < members.length; at += BATCH) {
        const args = [lasts, ...members.slice(at, at + BATCH).filter(isHeld)];
        if (args.length > 1) await reached(runScript(redis, RENEW, { keys: [keys.places(account)], args }));
      }
    },
  };
}
