import { resourceKeys } from '../../protocol/keys.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';

/** The slots of all replicas. A slot lasts for a while and is renewed. Rejects with a SlotsUnavailable. */
export interface SharedSlots {
  /** False when the holder has `most` already. */
  take(asked: { holder: string; slot: string; most: number }): Promise<boolean>;
  give(holder: string, slots: readonly string[]): Promise<void>;
  /** Of one holder, in batches; takes again what has run out. `isHeld` is asked just before each batch. */
  renew(holder: string, slots: readonly string[], isHeld: (slot: string) => boolean): Promise<void>;
}

export class SlotsUnavailable extends Error {
  override readonly name = 'SlotsUnavailable';
  readonly code: string;
  constructor(code: string) {
    super(`slots cannot be shared now: ${code}`);
    this.code = code;
  }
}

/** KEYS: slots. ARGV: slot, most, ms that it lasts. Replies 1, or 0 when all are taken. The clock is Redis's. */
const TAKE = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`);

/** KEYS: slots. ARGV: ms that they last, slots. */
const RENEW = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[index]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`);

const BATCH = 500;

export interface SlotsPlace {
  readonly prefix: string;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  readonly of: 'account' | 'user';
  /** Time that a slot lasts without renewal, default 15 s. */
  readonly lastsMs?: number;
}

/** One sorted set for each holder: slots by the time at which they run out. */
export function redisSlots(redis: RedisClient, place: SlotsPlace): SharedSlots {
  const keys = resourceKeys(place.prefix, place.resource);
  const keyOf = (holder: string) => keys.slots(place.of, holder);
  const lasts = String(place.lastsMs ?? 15_000);
  const reached = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      // Not attached as a cause: an ioredis error carries the command's arguments.
      throw new SlotsUnavailable(redisErrorCode(error));
    }
  };
  return {
    async take({ holder, slot, most }) {
      const input = { keys: [keyOf(holder)], args: [slot, String(most), lasts] };
      return (await reached(runScript(redis, TAKE, input))) === 1;
    },
    async give(holder, slots) {
      for (let at = 0; at < slots.length; at += BATCH) {
        await reached(redis.zrem(keyOf(holder), ...slots.slice(at, at + BATCH)));
      }
    },
    async renew(holder, slots, isHeld) {
      for (let at = 0; at < slots.length; at += BATCH) {
        const args = [lasts, ...slots.slice(at, at + BATCH).filter(isHeld)];
        if (args.length > 1) await reached(runScript(redis, RENEW, { keys: [keyOf(holder)], args }));
      }
    },
  };
}
