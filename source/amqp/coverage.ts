import type { sourceKeys } from '../../protocol/keys.ts';
import { decodeSourceGap, type SourceGap } from '../../protocol/source-gap.ts';
import { reportField } from '../../protocol/source-report.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import type { Look, Settlement } from './look.ts';

/**
 * Shared knowledge of all replicas about one broker, in the hash of positions: until when the bindings are known to
 * have existed (field `<endpoint>`), until when overflows are reported (`<endpoint>/overflow`), the markers in force
 * (`<endpoint>/markers`), and other markers that may exist at the broker, with those that they were to replace
 * (`<endpoint>/markers/<name>`). The look that replaces lost markers reports the loss. A look that asked for markers
 * that are not in force changes nothing but overflows.
 *
 * KEYS: positions, gaps, reports. ARGV: endpoint, source, start of the look, end of the loss, the markers that it
 * asked for, the markers that it has set or nothing, the reason of the loss, until when this replica knows that the
 * bindings existed or nothing, time to live of messages, start of an overflow or nothing, its end, time to live of the
 * keys in ms. Replies: whether the look is in force, the gaps that the log may not have, the markers that are stale.
 */
const SETTLE = defineScript(`
local endpoint, source = ARGV[1], ARGV[2]
local at, bound = tonumber(ARGV[3]), tonumber(ARGV[4])
local base, set = ARGV[5], ARGV[6]
local known = tonumber(redis.call('HGET', KEYS[1], endpoint) or nil)
local current = redis.call('HGET', KEYS[1], endpoint .. '/markers') or ''
local function tell(reason, from, to)
  if to <= from then return end
  local text = cjson.encode({ source = source, endpoint = endpoint, reason = reason, from = from, to = to, legs_ended = 0, legs_begun = 0 })
  redis.call('HSETNX', KEYS[2], endpoint .. '/' .. string.format('%.0f', from), text)
end
if ARGV[10] ~= '' then
  local told = tonumber(redis.call('HGET', KEYS[1], endpoint .. '/overflow') or nil)
  local from = math.max(tonumber(ARGV[10]), known and tonumber(ARGV[10]) == 0 and known or 0)
  if from > 0 and (not told or from > told) then
    tell('queue_overflow', from, tonumber(ARGV[11]))
    redis.call('HSET', KEYS[1], endpoint .. '/overflow', ARGV[11])
  end
end
local inForce = current == base or (set ~= '' and current == set)
if inForce then
  if set == '' then
    if known and at - known > tonumber(ARGV[9]) then tell('queue_overflow', known, at - tonumber(ARGV[9])) end
  else
    if current ~= set then
      if known then tell(ARGV[7], math.max(known, tonumber(ARGV[8]) or 0), bound) end
      redis.call('HSET', KEYS[1], endpoint .. '/markers', set)
      redis.call('HDEL', KEYS[1], endpoint .. '/markers/' .. set)
      if base ~= '' then redis.call('HSET', KEYS[1], endpoint .. '/markers/' .. base, '') end
      current = set
    end
    at = bound
  end
  redis.call('HSET', KEYS[1], endpoint, string.format('%.0f', math.max(known or 0, at)))
end
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[12]) end
local function fields(key, prefix, pick)
  local found, all = {}, redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, #prefix) == prefix then found[#found + 1] = pick(string.sub(all[i], #prefix + 1), all[i + 1]) end
  end
  return found
end
return {
  inForce and 1 or 0,
  fields(KEYS[2], endpoint .. '/', function(_, text) return text end),
  fields(KEYS[1], endpoint .. '/markers/', function(name, replaces) if replaces ~= current then return name end end),
}`);

/** Time to live of a source's keys: a week. */
const KEYS_LIVE_MS = 7 * 86_400_000;

export interface CoveragePlace {
  readonly client: RedisClient;
  readonly keys: ReturnType<typeof sourceKeys>;
  /** `<namespace>/<name>`. */
  readonly source: string;
  readonly endpoint: string;
  readonly replica: string;
}

/** An overflow that has ended, or that is reported before its end. `from` 0: the start is unknown. */
export interface Overflow {
  readonly from: number;
  readonly to: number;
}

/** The result of `recordLook`. */
export interface Recorded extends Settlement {
  /** Gaps of this endpoint that the log may not have, in order. */
  readonly gaps: readonly SourceGap[];
}

/**
 * Records the result of a look. Rejects with the client's error; a second call with the same result records nothing
 * twice.
 */
export async function recordLook(
  { client, keys, source, endpoint }: CoveragePlace,
  look: Look,
  {
    boundAt,
    ttlMs,
    overflow,
  }: { readonly boundAt: number; readonly ttlMs: number; readonly overflow: Overflow | null },
): Promise<Recorded> {
  const { at, base, lost, verifiedAt } = look;
  const args = [
    endpoint,
    source,
    at,
    boundAt,
    // No markers have this name: such a look is never in force.
    base ?? '?',
    lost?.markers ?? '',
    lost?.reason ?? '',
    verifiedAt ?? '',
    ttlMs,
    overflow?.from ?? '',
    overflow?.to ?? '',
    KEYS_LIVE_MS,
  ].map(String);
  const reply = await runScript(client, SETTLE, { keys: [keys.positions, keys.gaps, keys.reports], args });
  const [inForce, gaps, stale] = reply as readonly [number, readonly Buffer[], readonly Buffer[]];
  const found = gaps.flatMap((text) => decodeSourceGap(text.toString()) ?? []);
  return {
    isInForce: inForce === 1,
    gaps: found.toSorted((one, other) => one.from - other.from),
    stale: stale.map(String),
  };
}

/** The markers in force; '' before the first. Rejects with the client's error. */
export async function readMarkers({ client, keys, endpoint }: CoveragePlace): Promise<string> {
  return (await client.hget(keys.positions, `${endpoint}/markers`)) ?? '';
}

/** Notes markers that this replica is about to set. Rejects with the client's error. */
export async function noteMarkers(
  { client, keys, endpoint }: CoveragePlace,
  name: string,
  base: string,
): Promise<void> {
  await client.hset(keys.positions, `${endpoint}/markers/${name}`, base);
}

/** Rejects with the client's error. */
export async function forgetMarkers(
  { client, keys, endpoint }: CoveragePlace,
  names: readonly string[],
): Promise<void> {
  await client.hdel(keys.positions, ...names.map((name) => `${endpoint}/markers/${name}`));
}

/** Rejects with the client's error. */
export async function writeReport({ client, keys, replica, endpoint }: CoveragePlace, report: string): Promise<void> {
  await client.hset(keys.reports, reportField(replica, endpoint), report);
}
