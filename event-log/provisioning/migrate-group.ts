import { formerGroupName, groupKeys, groupName, streamKeys } from '../../protocol/keys.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { groupField } from './create-group.ts';
import { newEpoch } from './ensure-stream.ts';

/**
 * Moves a group of the former form to its heir in one partition: position, pending entries, attempts and dead letters.
 * KEYS: events, meta, then owner, token, attempts and dead letters of the former group, then attempts and dead letters
 * of the heir. ARGV: the former name, the heir's, a fresh mark, the field of each in the meta. Replies `none` without a
 * former group, `owned` while a replica of the former version reads for it, `more` after a page of dead letters,
 * `moved` with the number of pending entries that were trimmed and 1 when the group was used. The order makes it safe
 * to stop after any call: the former group is deleted last, when everything else has moved.
 */
const MIGRATE = defineScript(`
local PAGE = 100
local function fields(list)
  local found = {}
  for i = 1, #list, 2 do found[list[i]] = list[i + 1] end
  return found
end
if redis.call('EXISTS', KEYS[1]) == 0 then return { 'none' } end
local former, heir
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local found = fields(group)
  if found['name'] == ARGV[1] then former = found elseif found['name'] == ARGV[2] then heir = found end
end
if not former then return { 'none' } end
if redis.call('EXISTS', KEYS[3]) == 1 then return { 'owned' } end

local letters = redis.call('XRANGE', KEYS[6], '-', '+', 'COUNT', PAGE)
if #letters > 0 then
  for _, letter in ipairs(letters) do
    local added = redis.pcall('XADD', KEYS[8], letter[1], unpack(letter[2]))
    if added.err then redis.call('XADD', KEYS[8], '*', unpack(letter[2])) end
    redis.call('XDEL', KEYS[6], letter[1])
  end
  return { 'more' }
end

local trimmed = 0
if not heir then
  local create = { 'XGROUP', 'CREATE', KEYS[1], ARGV[2], former['last-delivered-id'] }
  if former['entries-read'] then
    create[6] = 'ENTRIESREAD'
    create[7] = string.format('%.0f', former['entries-read'])
  end
  redis.call(unpack(create))
  redis.call('HSET', KEYS[2], ARGV[5], ARGV[3])
  local after = '-'
  while true do
    local page = redis.call('XPENDING', KEYS[1], ARGV[1], after, '+', 1000)
    if #page == 0 then break end
    local claim = { 'XCLAIM', KEYS[1], ARGV[2], 'owner', 0 }
    for _, one in ipairs(page) do claim[#claim + 1] = one[1] end
    claim[#claim + 1] = 'FORCE'
    claim[#claim + 1] = 'JUSTID'
    trimmed = trimmed + #page - #redis.call(unpack(claim))
    after = '(' .. page[#page][1]
  end
  local attempts = redis.call('HGETALL', KEYS[5])
  for i = 1, #attempts, 2 do redis.call('HSET', KEYS[7], attempts[i], attempts[i + 1]) end
end
local used = redis.call('EXISTS', KEYS[4])
redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[4])
redis.call('DEL', KEYS[3], KEYS[4], KEYS[5], KEYS[6])
return { 'moved', trimmed, used }`);

export interface Migration {
  /** `owned`: replicas of the former version still read for the group; try again. */
  readonly state: 'none' | 'moved' | 'owned';
  /** Pending entries that had been trimmed from the log: they were lost before. */
  readonly trimmed: number;
  /** Whether a connection ever used it. */
  readonly wasUsed: boolean;
}

/**
 * Moves a group of the former form (one position for all accounts of a resource) to the account that inherits it.
 * Idempotent, and safe to repeat after any failure. Rejects with the client's error.
 */
export async function migrateGroup(
  client: RedisClient,
  where: { readonly keyPrefix: string; readonly partitions: number },
  of: { readonly resource: string; readonly group: string; readonly heir: string },
): Promise<Migration> {
  const outcomes = await Promise.all(
    Array.from({ length: where.partitions }, (_, partition) =>
      migratePartition(client, where.keyPrefix, partition, of),
    ),
  );
  const isAny = (state: Migration['state']) => outcomes.some((outcome) => outcome.state === state);
  return {
    state: isAny('owned') ? 'owned' : isAny('moved') ? 'moved' : 'none',
    trimmed: outcomes.reduce((sum, { trimmed }) => sum + trimmed, 0),
    wasUsed: outcomes.some(({ wasUsed }) => wasUsed),
  };
}

async function migratePartition(
  client: RedisClient,
  keyPrefix: string,
  partition: number,
  { resource, group, heir }: { resource: string; group: string; heir: string },
): Promise<Migration> {
  const [from, to] = [formerGroupName(resource, group), groupName(resource, group, heir)];
  const { events, meta } = streamKeys(keyPrefix, partition);
  const [former, next] = [groupKeys(keyPrefix, partition, from), groupKeys(keyPrefix, partition, to)];
  const { owner, token, attempts, dead } = former;
  const keys = [events, meta, owner, token, attempts, dead, next.attempts, next.dead];
  const args = [from, to, newEpoch(), groupField(from), groupField(to)];
  for (;;) {
    const reply = (await runScript(client, MIGRATE, { keys, args })) as readonly [Buffer, number?, number?];
    const [state, trimmed = 0, used = 0] = reply;
    const outcome = String(state);
    if (outcome === 'more') continue;
    return { state: outcome as Migration['state'], trimmed, wasUsed: used === 1 };
  }
}
