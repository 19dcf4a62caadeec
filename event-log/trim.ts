import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { streamKeys } from '../protocol/keys.ts';
import type { Logger } from '../runtime/logging/logger.ts';
import { redisErrorCode } from '../runtime/redis/error-code.ts';
import { defineScript, runScript } from '../runtime/redis/script.ts';
import type { LogPlace } from './partition-state.ts';
import { longestRetention, retentionField, type Retention } from './provisioning/retention.ts';

const TURN_MS = 30_000;

/**
 * Registers a retention, and takes or keeps the turn. KEYS: trim, meta. ARGV: who, turn in ms, field (empty: none),
 * retention. Replies nothing during another replica's turn, else Redis's time in ms and the fields of meta.
 */
const TAKE_TURN = defineScript(`
if ARGV[3] ~= '' and redis.call('HGET', KEYS[2], ARGV[3]) ~= ARGV[4] then redis.call('HSET', KEYS[2], ARGV[3], ARGV[4]) end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local time = redis.call('TIME')
return { time[1] .. string.format('%03d', math.floor(time[2] / 1000)), redis.call('HGETALL', KEYS[2]) }`);

/**
 * Trims, and records the last id up to which entries are gone: a resume from there has missed nothing. The length is
 * approximate, because whole nodes of the stream are cheap to remove; the age is exact, because deletion after this age
 * is promised. KEYS: events, meta. ARGV: most entries, first id to keep.
 */
const TRIM = defineScript(`
local removed = redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1]) + redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[2])
if removed == 0 then return 0 end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local trimmed
if first then
  local ms, sequence = string.match(first[1], '(%d+)-(%d+)')
  if sequence ~= '0' then trimmed = ms .. '-' .. string.format('%.0f', tonumber(sequence) - 1)
  else trimmed = string.format('%.0f', tonumber(ms) - 1) .. '-9007199254740991' end
else
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do if info[i] == 'last-generated-id' then trimmed = info[i + 1] end end
end
redis.call('HINCRBY', KEYS[2], 'removed', removed)
redis.call('HSET', KEYS[2], 'trimmed', trimmed)
return removed`);

export interface TrimOptions {
  /** `<namespace>/<name>`; null: the retention is not registered, and counts only while there is no other one. */
  readonly resource: string | null;
  readonly retention: Retention;
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

function fieldsOf(pairs: readonly Buffer[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let index = 0; index + 1 < pairs.length; index += 2) fields[String(pairs[index])] = String(pairs[index + 1]);
  return fields;
}

/** Trims one partition when it is `who`'s turn. The clock is Redis's, which also made the ids. */
export async function trimPartition(
  place: LogPlace,
  partition: number,
  options: { who: string } & Pick<TrimOptions, 'resource' | 'retention' | 'logger'>,
): Promise<void> {
  const keys = streamKeys(place.keyPrefix, partition);
  const { maxLength, maxAgeMs } = options.retention;
  const field = options.resource === null ? '' : retentionField(options.resource);
  const reply = (await runScript(place.client, TAKE_TURN, {
    keys: [keys.trim, keys.meta],
    args: [options.who, String(TURN_MS), field, JSON.stringify({ maxLength, maxAgeMs })],
  })) as readonly [now?: Buffer, fields?: readonly Buffer[]];
  const [now, fields] = reply;
  if (now === undefined || fields === undefined) return;
  const { retention: wished, unreadable } = longestRetention(fieldsOf(fields));
  if (unreadable > 0)
    options.logger.warn({ partition, unreadable }, 'retention fields that cannot be read are ignored');
  const retention = wished ?? (unreadable === 0 ? options.retention : null);
  if (retention === null) return;
  await runScript(place.client, TRIM, {
    keys: [keys.events, keys.meta],
    args: [String(retention.maxLength), `${Math.max(0, Number(now.toString()) - retention.maxAgeMs)}-0`],
  });
}

/**
 * Trims all partitions every `intervalMs`, until aborted. A failed turn is not repeated at once: trimming is
 * idempotent.
 */
export async function keepTrimmed(place: LogPlace, options: TrimOptions): Promise<void> {
  const { signal, logger, resource, retention } = options;
  const who = randomUUID();
  while (!signal.aborted) {
    try {
      for (let partition = 0; partition < place.partitions && !signal.aborted; partition += 1) {
        await trimPartition(place, partition, { who, resource, retention, logger });
      }
    } catch (error) {
      logger.debug({ code: redisErrorCode(error) }, 'trimming failed; trying again in the next turn');
    }
    await delay(options.intervalMs, undefined, { signal, ref: false }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
