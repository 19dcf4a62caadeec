import { ENTRY_FORMAT } from '../../protocol/entry.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { CREATE_GROUP_LUA } from '../../runtime/streams/create-group.ts';
import { ENSURE_LUA, newEpoch } from '../../runtime/streams/ensure-stream.ts';
import type { GroupPlace } from './place.ts';

/**
 * Makes the stream and the group where they are missing, and replies the stream's epoch. KEYS: events, meta. ARGV:
 * epoch, partitions, format, group, start.
 */
const CREATE = defineScript(`${ENSURE_LUA}${CREATE_GROUP_LUA}
local made = create_group(KEYS[1], ARGV[4], ARGV[5])
if made.err and string.sub(made.err, 1, 9) ~= 'BUSYGROUP' then return made end
return redis.call('HGET', KEYS[2], 'epoch')`);

/** Idempotent. Gives the epoch of the partition's stream; rejects with the client's error. */
export async function createGroup(place: GroupPlace, options: { partitions: number; start: string }): Promise<string> {
  const epoch = await runScript(place.client, CREATE, {
    keys: [place.events, place.meta],
    args: [newEpoch(), String(options.partitions), ENTRY_FORMAT, place.name, options.start],
  });
  return String(epoch);
}
