import type { sourceKeys } from '../../protocol/keys.ts';
import { decodeSourceGap, type SourceGap } from '../../protocol/source-gap.ts';
import { reportField } from '../../protocol/source-report.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import type { Look } from './consumer.ts';

/**
 * What replicas know together of one broker: until when the bindings are known to have stood (`positions`, field
 * `<endpoint>`), and until when its overflows are told (`<endpoint>/overflow`). Of one loss each replica finds another
 * interval: the first that reports it makes the gap, for all. One that knew of the loss before that time saw the same one.
 * KEYS: positions, gaps, reports. ARGV: endpoint, source, begin of the look, end of the loss, since when the loss is known
 * or nothing, its reason, until when this replica knows of the bindings or nothing, time to live of messages, begin of an
 * overflow or nothing, its end, time to live of the keys in ms. Replies: the gaps that the log may not have.
 */
const SETTLE = defineScript(`
local endpoint, source = ARGV[1], ARGV[2]
local at, bound = tonumber(ARGV[3]), tonumber(ARGV[4])
local known = tonumber(redis.call('HGET', KEYS[1], endpoint) or nil)
local function tell(reason, from, to)
  if to <= from then return end
  local text = cjson.encode({ source = source, endpoint = endpoint, reason = reason, from = from, to = to, legs_ended = 0, legs_begun = 0 })
  redis.call('HSETNX', KEYS[2], endpoint .. '/' .. string.format('%.0f', from), text)
end
if known then
  if ARGV[5] ~= '' then
    if known < tonumber(ARGV[5]) then tell(ARGV[6], math.max(known, tonumber(ARGV[7]) or 0), bound) end
  elseif at - known > tonumber(ARGV[8]) then
    tell('queue_overflow', known, at - tonumber(ARGV[8]))
  end
end
if ARGV[9] ~= '' then
  local told = tonumber(redis.call('HGET', KEYS[1], endpoint .. '/overflow') or nil)
  local from = math.max(tonumber(ARGV[9]), known and tonumber(ARGV[9]) == 0 and known or 0)
  if from > 0 and (not told or from > told) then
    tell('queue_overflow', from, tonumber(ARGV[10]))
    redis.call('HSET', KEYS[1], endpoint .. '/overflow', ARGV[10])
  end
end
if ARGV[5] ~= '' then at = bound end
redis.call('HSET', KEYS[1], endpoint, string.format('%.0f', math.max(known or 0, at)))
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[11]) end
local pending = {}
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  if string.sub(all[i], 1, #endpoint + 1) == endpoint .. '/' then pending[#pending + 1] = all[i + 1] end
end
return pending`);

/** What a source leaves behind is gone after a week. */
const KEYS_LIVE_MS = 7 * 86_400_000;

export interface CoveragePlace {
  readonly client: RedisClient;
  readonly keys: ReturnType<typeof sourceKeys>;
  /** `<namespace>/<name>`. */
  readonly source: string;
  readonly endpoint: string;
  readonly replica: string;
}

/** An overflow that has ended, or is told before it has. `from` 0: since nobody knows when. */
export interface Overflow {
  readonly from: number;
  readonly to: number;
}

/**
 * Records what a look found. Resolves with the gaps of this endpoint that the log may not have, in order. Rejects with
 * the client's error; a second call with the same look records nothing twice.
 */
export async function recordLook(
  { client, keys, source, endpoint }: CoveragePlace,
  look: Look,
  {
    boundAt,
    ttlMs,
    overflow,
  }: { readonly boundAt: number; readonly ttlMs: number; readonly overflow: Overflow | null },
): Promise<readonly SourceGap[]> {
  const { at, lost, verifiedAt } = look;
  const args = [
    endpoint,
    source,
    at,
    boundAt,
    lost?.seenAt ?? '',
    lost?.reason ?? '',
    verifiedAt ?? '',
    ttlMs,
    overflow?.from ?? '',
    overflow?.to ?? '',
    KEYS_LIVE_MS,
  ].map(String);
  const reply = await runScript(client, SETTLE, { keys: [keys.positions, keys.gaps, keys.reports], args });
  const found = (reply as readonly Buffer[]).flatMap((text) => decodeSourceGap(text.toString()) ?? []);
  return found.toSorted((one, other) => one.from - other.from);
}

/** Rejects with the client's error. */
export async function writeReport({ client, keys, replica, endpoint }: CoveragePlace, report: string): Promise<void> {
  await client.hset(keys.reports, reportField(replica, endpoint), report);
}
