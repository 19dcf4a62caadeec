import { resourceKeys } from '../../protocol/keys.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { inBatches } from './in-batches.ts';

/** The account or user whose connections a quota counts. */
export type HolderKind = 'account' | 'user';

interface AskedSlot {
  readonly of: HolderKind;
  readonly holder: string;
  readonly slot: string;
  readonly most: number;
}

/** The slots of all replicas. A slot expires unless it is renewed. Rejects with a SlotsUnavailable. */
export interface SharedSlots {
  /** All of them or none: the index of the first one whose holder has `most` already, null when all were taken. */
  take(asked: readonly AskedSlot[]): Promise<number | null>;
  give(of: HolderKind, holder: string, slots: readonly string[]): Promise<void>;
  /** Renews slots of one holder, in batches; takes expired ones again. `isHeld` is called just before each batch. */
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
 * Takes slots for several connections. KEYS: slots of each holder, connection after connection. ARGV: lifetime of a
 * slot in ms; then for each connection its number of holders, its slot, and the limit of each holder. Replies a number
 * for each connection: 0 when it has a slot of every holder, else it has none, and the number is its first holder
 * without one left. The clock is Redis's.
 */
const TAKE = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local replies = {}
local first, at = 1, 2
while ARGV[at] do
  local last = first + tonumber(ARGV[at]) - 1
  local full = 0
  for index = first, last do
    redis.call('ZREMRANGEBYSCORE', KEYS[index], '-inf', now)
    if redis.call('ZCARD', KEYS[index]) >= tonumber(ARGV[at + 2 + index - first]) then
      full = index - first + 1
      break
    end
  end
  for index = first, full == 0 and last or 0 do
    redis.call('ZADD', KEYS[index], now + ARGV[1], ARGV[at + 1])
    redis.call('PEXPIRE', KEYS[index], ARGV[1])
  end
  replies[#replies + 1] = full
  at = at + 3 + last - first
  first = last + 1
end
return replies`);

/** KEYS: slots. ARGV: their lifetime in ms, slots. */
const RENEW = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[index]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`);

const BATCH = 500;
/** Connections of one script: it blocks Redis for less than a millisecond. */
const MOST_TAKEN = 64;

export interface SlotsPlace {
  readonly prefix: string;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  /** Lifetime of a slot without renewal, default 15 s. */
  readonly lastsMs?: number;
}

/** One sorted set for each holder: slots by their expiry. */
export function redisSlots(redis: RedisClient, place: SlotsPlace): SharedSlots {
  const keys = resourceKeys(place.prefix, place.resource);
  const lasts = String(place.lastsMs ?? 15_000);
  const reached = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      // Not attached as a cause: an ioredis error contains the command's arguments.
      throw new SlotsUnavailable(redisErrorCode(error));
    }
  };
  return {
    take: inBatches(MOST_TAKEN, async (batch: readonly (readonly AskedSlot[])[]) => {
      const keyNames = batch.flat().map(({ of, holder }) => keys.slots(of, holder));
      const args = batch.flatMap((asked) => [String(asked.length), asked[0]?.slot ?? '', ...asked.map(mostOf)]);
      const replies = (await reached(runScript(redis, TAKE, { keys: keyNames, args: [lasts, ...args] }))) as number[];
      return replies.map((full) => (full === 0 ? null : full - 1));
    }),
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

function mostOf({ most }: AskedSlot): string {
  return String(most);
}
