import { ENTRY_FORMAT } from '../../protocol/entry.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { ENSURE_LUA, newEpoch } from '../stream/partition-state.ts';
import type { GroupPlace } from './place.ts';

/**
 * Makes the stream and the group where they are missing, and replies the stream's epoch. KEYS: events, meta. ARGV:
 * epoch, partitions, format, group, start. The count of entries read is set with it, so that entries which are trimmed
 * before they were read can be told later; after an id of our choice nobody knows it.
 */
const CREATE = defineScript(`${ENSURE_LUA}
local create = { 'XGROUP', 'CREATE', KEYS[1], ARGV[4], ARGV[5] }
if ARGV[5] == '$' or ARGV[5] == '0' then
  local found = {}
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do found[info[i]] = info[i + 1] end
  local read = found['entries-added']
  if ARGV[5] == '0' then read = read - found['length'] end
  create[6] = 'ENTRIESREAD'
  create[7] = string.format('%.0f', read)
end
local made = redis.pcall(unpack(create))
if made.err and string.sub(made.err, 1, 9) ~= 'BUSYGROUP' then return made end
return redis.call('HGET', KEYS[2], 'epoch')`);

/** Where a group begins that does not exist yet, as XGROUP CREATE takes it. */
export function startOf(group: Pick<ConsumerGroup, 'startPosition' | 'startID'>): string {
  if (group.startPosition === 'ID') return group.startID ?? '$';
  return group.startPosition === 'Earliest' ? '0' : '$';
}

/** Idempotent. Gives the epoch of the partition's stream; rejects with the client's error. */
export async function createGroup(place: GroupPlace, options: { partitions: number; start: string }): Promise<string> {
  const epoch = await runScript(place.client, CREATE, {
    keys: [place.events, place.meta],
    args: [newEpoch(), String(options.partitions), ENTRY_FORMAT, place.name, options.start],
  });
  return String(epoch);
}
