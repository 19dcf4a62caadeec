import { ENTRY_FORMAT } from '../../protocol/entry.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { CREATE_GROUP_LUA, groupField } from '../../event-log/provisioning/create-group.ts';
import { ENSURE_LUA, newEpoch } from '../../event-log/provisioning/ensure-stream.ts';
import type { GroupPlace } from './place.ts';

/**
 * Creates the stream and the group where they are missing. Replies the stream's epoch, the group's mark and the last id
 * that the group received. KEYS: events, meta. ARGV: epoch, partitions, format, group, start, the group's field in the
 * meta, and the epoch in which the group was created (empty: unknown). In another epoch the group begins at the start
 * of the stream, of which it has read nothing.
 */
const CREATE = defineScript(`${ENSURE_LUA}${CREATE_GROUP_LUA}
local start = ARGV[5]
if ARGV[7] ~= '' and ARGV[7] ~= redis.call('HGET', KEYS[2], 'epoch') then start = '0' end
local made = create_group(KEYS[1], ARGV[4], start, KEYS[2], ARGV[1])
if made.err and string.sub(made.err, 1, 9) ~= 'BUSYGROUP' then return made end
local delivered = '0-0'
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local found = {}
  for i = 1, #group, 2 do found[group[i]] = group[i + 1] end
  if found['name'] == ARGV[4] then delivered = found['last-delivered-id'] end
end
local known = redis.call('HMGET', KEYS[2], 'epoch', ARGV[6])
return { known[1], known[2], delivered }`);

export interface CreatedGroup {
  readonly epoch: string;
  /** Null for a group that an older version created. */
  readonly mark: string | null;
  /** The group gets the events after this one, and those that it has not finished. */
  readonly delivered: string;
}

/** Idempotent. Rejects with the client's error. */
export async function createGroup(
  place: GroupPlace,
  options: { readonly partitions: number; readonly start: string; readonly knownEpoch?: string | null },
): Promise<CreatedGroup> {
  const { partitions, start, knownEpoch = null } = options;
  const field = groupField(place.name);
  const reply = await runScript(place.client, CREATE, {
    keys: [place.events, place.meta],
    args: [newEpoch(), String(partitions), ENTRY_FORMAT, place.name, start, field, knownEpoch ?? ''],
  });
  const [epoch, mark, delivered] = reply as readonly [Buffer, Buffer | null, Buffer];
  return { epoch: String(epoch), mark: mark?.toString() ?? null, delivered: String(delivered) };
}
