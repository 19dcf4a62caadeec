import type { RedisClient } from '../../runtime/redis/client.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import type { sourceKeys } from '../../protocol/keys.ts';
import { reportField } from '../../protocol/source-report.ts';
import { decodePosition, type Position } from './position.ts';

/**
 * One turn of a replica at one endpoint: renews its lease and announces the position, or takes a free lease, or
 * releases it; and writes the replica's report.
 *
 * KEYS: lead, positions, reports, gaps, legs, kept. ARGV: lease, time to live in ms, `keep`, `want` or `leave`,
 * endpoint, position or nothing, field of the report, report or nothing, time to live of the other keys in ms, mark of
 * what a switch keeps or nothing. Replies: time, lease in force, its time to live, `1` when this turn took it,
 * position.
 *
 * A full Redis may refuse some of the writes: they are skipped, and the lease is renewed nevertheless.
 */
const TURN = defineScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local holder = redis.call('GET', KEYS[1])
local taken = 0
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  if ARGV[5] ~= '' then redis.pcall('HSET', KEYS[2], ARGV[4], ARGV[5]) end
  if ARGV[3] == 'leave' then
    if ARGV[9] ~= '' then redis.pcall('SET', KEYS[6], ARGV[9], 'PX', ARGV[8]) end
    redis.call('PEXPIRE', KEYS[1], 0)
    holder = false
  end
elseif not holder and ARGV[3] == 'want' then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  holder = ARGV[1]
  taken = 1
end
if ARGV[7] ~= '' then redis.pcall('HSET', KEYS[3], ARGV[6], ARGV[7]) end
for i = 2, 5 do redis.call('PEXPIRE', KEYS[i], ARGV[8]) end
local left = redis.call('PTTL', KEYS[1])
return { string.format('%.0f', now), holder or '', left, taken, redis.call('HGET', KEYS[2], ARGV[4]) or '' }`);

/** Time to live of a source's keys: a week. */
const KEYS_LIVE_MS = 7 * 86_400_000;

export interface LeadPlace {
  readonly client: RedisClient;
  readonly keys: ReturnType<typeof sourceKeys>;
  readonly endpoint: string;
  readonly replica: string;
  readonly ttlMs: number;
}

export interface Turn {
  /** `<replica>:<token>`. */
  readonly lease: string;
  /** `keep`: renews, but does not take a lease; `want`: also takes it; `leave`: releases it. */
  readonly intent: 'keep' | 'want' | 'leave';
  /** Announced if this replica leads. */
  readonly position: string;
  readonly report: string;
  /** Written with `leave` for the next connection; nothing where the switch keeps no events. */
  readonly mark?: string;
}

export interface TurnReply {
  /** Redis's clock, Unix milliseconds. */
  readonly now: number;
  readonly leads: boolean;
  /** Taken by this turn: another replica may have led before. */
  readonly isNew: boolean;
  /** Remaining time to live of another replica's lease; null when there is none. */
  readonly freeInMs: number | null;
  readonly position: Position | null;
}

/** Rejects with the client's error. */
export async function takeTurn(
  place: LeadPlace,
  { lease, intent, position, report, mark = '' }: Turn,
): Promise<TurnReply> {
  const { client, keys, endpoint, replica, ttlMs } = place;
  const reply = (await runScript(client, TURN, {
    keys: [keys.lead(endpoint), keys.positions, keys.reports, keys.gaps, keys.legs(endpoint), keys.kept(endpoint)],
    args: [
      lease,
      String(ttlMs),
      intent,
      endpoint,
      position,
      reportField(replica, endpoint),
      report,
      String(KEYS_LIVE_MS),
      mark,
    ],
  })) as readonly [Buffer, Buffer, number, number, Buffer];
  const [now, holder, left, taken, announced] = reply;
  const leads = String(holder) === lease;
  return {
    now: Number(now),
    leads,
    isNew: taken === 1,
    freeInMs: leads || left < 0 ? null : left,
    position: decodePosition(String(announced)),
  };
}
