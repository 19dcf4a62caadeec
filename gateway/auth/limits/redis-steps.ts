import type { RedisClient } from '../../../runtime/redis/client.ts';
import { defineScript, runScript } from '../../../runtime/redis/script.ts';
import type { Counted } from './counters.ts';

interface Step {
  readonly act: 'see' | 'add' | 'put' | 'drop';
  readonly key: string;
  readonly by: number;
  /** Seconds. */
  readonly lastsS: number;
}

/** Rejects with the error of Redis or of its client. */
export type Stepper = (step: Step) => Promise<Counted>;

/** KEYS: one for each step. ARGV: act, number and seconds of each. Replies count and milliseconds left of each. */
const STEPS = defineScript(`
local counted = {}
for at, key in ipairs(KEYS) do
  local act, by, lasts = ARGV[3 * at - 2], ARGV[3 * at - 1], ARGV[3 * at]
  local count = 0
  if act == 'drop' then
    redis.call('DEL', key)
  elseif act == 'put' then
    redis.call('SET', key, 1, 'EX', lasts)
    count = 1
  elseif act == 'see' or (tonumber(by) < 0 and redis.call('EXISTS', key) == 0) then
    count = tonumber(redis.call('GET', key) or 0) or 0
  else
    redis.call('SET', key, 0, 'EX', lasts, 'NX')
    count = redis.call('INCRBY', key, by)
  end
  counted[2 * at - 1] = count
  counted[2 * at] = math.max(0, redis.call('PTTL', key))
end
return counted`);

/** Most steps of one call. */
const MOST_STEPS = 512;

interface Waiting {
  readonly step: Step;
  readonly resolve: (counted: Counted) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs the steps of all logins in one call at a time: steps that are requested in the meantime go together into the
 * next call. A login takes a few steps, and a call costs as much as its write to the socket, so many concurrent logins
 * cost few calls. In a cluster each key may be on a different shard, so each step is a call.
 */
export function createStepper(redis: RedisClient): Stepper {
  let waiting: Waiting[] = [];
  let isUnderWay = false;
  const flush = async () => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MOST_STEPS);
      waiting = waiting.slice(MOST_STEPS);
      await (redis.isCluster ? Promise.all(batch.map((one) => call(redis, [one]))) : call(redis, batch));
    }
    isUnderWay = false;
  };
  return (step) =>
    new Promise((resolve, reject) => {
      waiting.push({ step, resolve, reject });
      if (isUnderWay) return;
      isUnderWay = true;
      // After the steps that the same caller requests in the same turn.
      queueMicrotask(() => void flush());
    });
}

/** Never rejects. */
async function call(redis: RedisClient, batch: readonly Waiting[]): Promise<void> {
  try {
    const keys = batch.map(({ step }) => step.key);
    const args = batch.flatMap(({ step: { act, by, lastsS } }) => [act, String(by), String(lastsS)]);
    const reply = (await runScript(redis, STEPS, { keys, args })) as readonly number[];
    batch.forEach(({ resolve }, at) => resolve({ count: reply[2 * at] ?? 0, leftMs: reply[2 * at + 1] ?? 0 }));
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}
