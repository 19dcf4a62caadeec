import type { RedisClient } from '../../runtime/redis/client.ts';
import { resourceKeys } from '../../protocol/keys.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { isSubject, LIFETIME_US } from './revocation.ts';
import { MOST_REVOCATIONS, RevocationsUnavailable, type RevocationStore } from './revocation-store.ts';

/**
 * KEYS: revoked. ARGV: subject, lifetime in us, newest mark known to the caller, most subjects. Replies the mark;
 * nothing when there is no room. The clock is Redis's, and never runs backwards here.
 */
const REVOKE = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[2]))
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return false end
local newest = tonumber(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2] or 0)
local mark = string.format('%.0f', math.max(now, newest + 1, ARGV[3] + 1))
redis.call('ZADD', KEYS[1], mark, ARGV[1])
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ARGV[2] / 1000))
return mark`);

/**
 * KEYS: revoked. ARGV: count and newest mark that the caller has seen. Only reads: it works while writes are refused.
 */
const READ = defineScript(`
local count = tostring(redis.call('ZCARD', KEYS[1]))
local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2] or '0'
if count == ARGV[1] and newest == ARGV[2] then return false end
return { count, newest, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES') }`);

const BATCH = 1_000;

/** One sorted set for each resource, subjects by mark: it removes expired entries, and expires with its last entry. */
export function redisRevocationStore(redis: RedisClient, place: { prefix: string; resource: string }): RevocationStore {
  const key = resourceKeys(place.prefix, place.resource).revoked;
  const reached = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      // Not attached as a cause: an ioredis error contains the command's arguments.
      throw new RevocationsUnavailable(redisErrorCode(error));
    }
  };
  const run = (script: typeof REVOKE, ...args: (string | number)[]) =>
    reached(runScript(redis, script, { keys: [key], args: args.map(String) }));
  return {
    async revoke(subject, known) {
      const mark = (await run(REVOKE, subject, LIFETIME_US, known, MOST_REVOCATIONS)) as Buffer | null;
      if (mark === null) return null;
      if (!isMark(Number(mark))) throw new RevocationsUnavailable('FOREIGN_SCORE');
      return Number(mark);
    },
    async read(seen) {
      const reply = (await run(READ, seen?.count ?? -1, seen?.newest ?? -1)) as
        readonly [Buffer, Buffer, Buffer[]] | null;
      if (reply === null) return null;
      const [count, newest, pairs] = reply;
      return { list: listOf(pairs), seen: { count: Number(count), newest: Number(newest) } };
    },
    async restore(list) {
      const pairs = [...list].map(([subject, mark]) => [mark, subject] as const);
      for (let at = 0; at < pairs.length; at += BATCH) {
        await reached(redis.zadd(key, 'GT', ...pairs.slice(at, at + BATCH).flat()));
      }
      await reached(redis.pexpire(key, LIFETIME_US / 1_000));
    },
  };
}

/** Ignores entries of another form: they neither revoke nor allow a token. */
function listOf(pairs: readonly Buffer[]): Map<string, number> {
  const list = new Map<string, number>();
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const [subject, mark] = [String(pairs[at]), Number(pairs[at + 1])];
    if (isSubject(subject) && isMark(mark)) list.set(subject, mark);
  }
  return list;
}

function isMark(mark: number): boolean {
  return Number.isSafeInteger(mark) && mark > 0;
}
