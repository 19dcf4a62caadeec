import { ENTRY_FORMAT } from '../../protocol/entry.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { CREATE_GROUP_LUA, groupField } from '../../event-log/provisioning/create-group.ts';
import { ENSURE_LUA, newEpoch } from '../../event-log/provisioning/ensure-stream.ts';
import type { GroupPlace } from './place.ts';

/**
 * Makes the stream and the group where they are missing, and replies the stream's epoch and the group's mark. KEYS:
 * events, meta. ARGV: epoch, partitions, format, group, start, the group's field in the meta.
 */
const CREATE = defineScript(`${ENSURE_LUA}${CREATE_GROUP_LUA}
local made = create_group(KEYS[1], ARGV[4], ARGV[5], KEYS[2], ARGV[1])
if made.err and string.sub(made.err, 1, 9) ~= 'BUSYGROUP' then return made end
return redis.call('HMGET', KEYS[2], 'epoch', ARGV[6])`);

/** Idempotent. Gives the epoch of the partition's stream and the group's mark; rejects with the client's error. */
export async function createGroup(
  place: GroupPlace,
  options: { partitions: number; start: string },
): Promise<{ readonly epoch: string; readonly mark: string | null }> {
  const reply = await runScript(place.client, CREATE, {
    keys: [place.events, place.meta],
    args: [newEpoch(), String(options.partitions), ENTRY_FORMAT, place.name, options.start, groupField(place.name)],
  });
  const [epoch, mark] = reply as readonly [Buffer, Buffer | null];
  return { epoch: String(epoch), mark: mark?.toString() ?? null };
}
