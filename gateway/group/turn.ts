import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { decodeEntry, type RawEntry } from '../../event-log/decode-entry.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { HOLD_LUA, validUntil, type Lease } from './lease.ts';
import type { GroupPlace } from './place.ts';

/** The name of the only consumer in Redis's group, whichever replica reads: a replica that dies leaves none behind. */
const CONSUMER = 'owner';

/**
 * Everything that an owner sends at a time. KEYS: owner, fence, events, attempts. ARGV: lease, TTL, group, ids to
 * acknowledge, ids with their attempts, how many are read next, the last read id (empty: unknown). All values are
 * absolute, so a turn whose reply was lost is simply sent again. Attempts may be refused (OOM) without the rest.
 * XREADGROUP silently skips entries that were trimmed before they were read. The script finds them by counting: once
 * the last read entry has left the stream, it compares the entries that left the stream with those that the group has
 * read. -1: an unknown number may be lost, because the group's count is unknown.
 */
const TURN = defineScript(`${HOLD_LUA}
local raised = {}
local function raise()
  if #raised > 0 then redis.pcall('HSET', KEYS[4], unpack(raised)) end
  raised = {}
end
for one in string.gmatch(ARGV[5], '%S+') do
  raised[#raised + 1] = one
  if #raised == 2000 then raise() end
end
raise()

local ids = {}
local function acknowledge()
  if #ids == 0 then return end
  redis.call('XACK', KEYS[3], ARGV[3], unpack(ids))
  redis.call('HDEL', KEYS[4], unpack(ids))
  ids = {}
end
for id in string.gmatch(ARGV[4], '%S+') do
  ids[#ids + 1] = id
  if #ids == 1000 then acknowledge() end
end
acknowledge()

if ARGV[6] == '0' then return 0 end

local function map(list)
  local found = {}
  for i = 1, #list, 2 do found[list[i]] = list[i + 1] end
  return found
end
local function parts(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end
local function before(a, b)
  local aMs, aSequence = parts(a)
  local bMs, bSequence = parts(b)
  return aMs < bMs or (aMs == bMs and aSequence < bSequence)
end
local function overtaken()
  if ARGV[7] ~= '' and #redis.call('XRANGE', KEYS[3], ARGV[7], ARGV[7]) == 1 then return 0 end
  local stream = map(redis.call('XINFO', 'STREAM', KEYS[3]))
  local group
  for _, one in ipairs(redis.call('XINFO', 'GROUPS', KEYS[3])) do
    local found = map(one)
    if found['name'] == ARGV[3] then group = found end
  end
  if not group then return 0 end
  local last = group['last-delivered-id']
  local first = stream['first-entry']
  if first and not before(last, first[1]) then return 0 end
  if not before(last, stream['last-generated-id']) then return 0 end
  local gone = stream['entries-added'] - stream['length']
  local read = group['entries-read']
  if read and gone <= read then return 0 end
  redis.call('XGROUP', 'SETID', KEYS[3], ARGV[3], last, 'ENTRIESREAD', string.format('%.0f', gone))
  if not read then return -1 end
  return gone - read
end

return overtaken()`);

export interface Turn {
  readonly acknowledge: readonly string[];
  /** Entry id and attempts, alternating. */
  readonly attempts: readonly (string | number)[];
  /** 0: nothing is read. */
  readonly count: number;
  /** The last read id in this life of the lease, empty when none was. */
  readonly lastRead: string;
}

export type TurnOutcome =
  | {
      readonly held: true;
      readonly entries: readonly StoredEntry[];
      /** Entries that were trimmed before they were read; null when there may be an unknown number of them. */
      readonly missed: number | null;
    }
  /** Another replica has the lease: nothing was done. */
  | { readonly held: false };

/**
 * Renews the lease, sends everything in one script, and reads right after it. Rejects with the client's error; Redis
 * may have executed all of it.
 */
export async function takeTurn(place: GroupPlace, lease: Lease, turn: Turn): Promise<TurnOutcome> {
  const sentAt = performance.now();
  const said = runScript(place.client, TURN, {
    keys: [place.owner, lease.fence, place.events, place.attempts],
    args: [
      lease.value,
      String(lease.ttlMs),
      place.name,
      turn.acknowledge.join(' '),
      turn.attempts.join(' '),
      String(turn.count),
      turn.lastRead,
    ],
  });
  const [script, reply] = await Promise.allSettled([said, turn.count === 0 ? null : read(place, lease, turn.count)]);
  if (script.status === 'rejected') throw script.reason;
  if (script.value === null) return { held: false };
  lease.validUntil = validUntil(sentAt, lease.ttlMs);
  if (reply.status === 'rejected') throw reply.reason;
  const missed = script.value as number;
  const raws = reply.value ?? [];
  return {
    held: true,
    missed: missed < 0 ? null : missed,
    entries: raws.map((raw) => decodeEntry(place.partition, raw)),
  };
}

async function read(place: GroupPlace, lease: Lease, count: number): Promise<readonly RawEntry[]> {
  const { client, name, events } = place;
  const streams = [events, lease.fence, '>', '>'];
  const reply = await client.callBuffer('xreadgroup', 'GROUP', name, CONSUMER, 'COUNT', count, 'STREAMS', ...streams);
  const found = reply as readonly (readonly [key: Buffer, entries: readonly RawEntry[]])[] | null;
  return found?.[0]?.[1] ?? [];
}
