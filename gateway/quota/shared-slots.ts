import { resourceKeys } from '../../protocol/keys.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';

/** Whose connections a quota counts. */
export type HolderKind = 'account' | 'user';

interface AskedSlot {
  readonly of: HolderKind;
  readonly holder: string;
  readonly slot: string;
  readonly most: number;
}

/** The slots of all replicas. A slot lasts for a while and is renewed. Rejects with a SlotsUnavailable. */
export interface SharedSlots {
  /** All of them or none: the index of the first one whose holder has `most` already, null when all were taken. */
  take(asked: readonly AskedSlot[]): Promise<number | null>;
  give(of: HolderKind, holder: string, slots: readonly string[]): Promise<void>;
  /** Of one holder, in batches; takes again what has run out. `isHeld` is asked just before each batch. */
  renew(holder: Pick<AskedSlot, 'of' | 'holder'>, slots: readonly string[], isHeld: IsHeld): Promise<void>;
}

type IsHeld = (slot: string) => boolean;

export class SlotsUnavailable extends Error {
  override readonly name = 'SlotsUnavailable';
  readonly code: string;
  constructor(code: string) {
    super(`slots cannot be shared now: ${code}`);
    this.code = code;
  }
}

/**
 * KEYS: slots of each holder. ARGV: ms that a slot lasts; of each holder the slot and the most it may have. Takes all and
 * replies 0, or takes none and replies the number of the first holder without a slot left. The clock is Redis's.
 */
const TAKE = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index = 1, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[index], '-inf', now)
  if redis.call('ZCARD', KEYS[index]) >= tonumber(ARGV[2 * index + 1]) then return index end
end
for index = 1, #KEYS do
  redis.call('ZADD', KEYS[index], now + ARGV[1], ARGV[2 * index])
  redis.call('PEXPIRE', KEYS[index], ARGV[1])
end
return 0`);

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
  /** Time that a slot lasts without renewal, default 15 s. */
  readonly lastsMs?: number;
}

/** One sorted set for each holder: slots by the time at which they run out. */
export function redisSlots(redis: RedisClient, place: SlotsPlace): SharedSlots {
  const keys = resourceKeys(place.prefix, place.resource);
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
    async take(asked) {
      const input = {
        keys: asked.map(({ of, holder }) => keys.slots(of, holder)),
        args: [lasts, ...asked.flatMap(({ slot, most }) => [slot, String(most)])],
      };
      const refused = Number(await reached(runScript(redis, TAKE, input)));
      return refused === 0 ? null : refused - 1;
    },
    async give(of, holder, slots) {
      for (let at = 0; at < slots.length; at += BATCH) {
        await reached(redis.zrem(keys.slots(of, holder), ...slots.slice(at, at + BATCH)));
      }
    },
    async renew({ of, holder }, slots, isHeld) {
      const slotKeys = [keys.slots(of, holder)];
      for (let at = 0; at < slots.length; at += BATCH) {
        const args = [lasts, ...slots.slice(at, at + BATCH).filter(isHeld)];
        if (args.length > 1) await reached(runScript(redis, RENEW, { keys: slotKeys, args }));
      }
    },
  };
}
