import type { RedisClient } from '../../runtime/redis/client.ts';
import { ENTRY_FORMAT } from '../../protocol/entry.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { CREATE_GROUP_LUA } from './create-group.ts';
import { ENSURE_LUA, newEpoch } from './ensure-stream.ts';
import { retentionField, type Retention } from './retention.ts';

/** What one resource needs from the streams that it shares with others. */
export interface StreamNeeds {
  readonly keyPrefix: string;
  readonly partitions: number;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  /** Null: this resource requests no trimming. */
  readonly retention: Retention | null;
  /**
   * By their names in Redis. A group named `former` has the position that this one inherits: where it exists, none is
   * created, and a gateway migrates it.
   */
  readonly groups: readonly { readonly name: string; readonly start: string; readonly former: string }[];
}

/**
 * Creates stream, epoch and groups where they are missing, and registers the retention. KEYS: events, meta. ARGV:
 * epoch, partitions, format, retention field, its value or nothing, then name, start and former name for each group.
 * Replies the epoch.
 */
const PROVISION = defineScript(`${ENSURE_LUA}${CREATE_GROUP_LUA}
local held_wish = redis.call('HGET', KEYS[2], ARGV[4])
if ARGV[5] == '' then
  if held_wish then redis.call('HDEL', KEYS[2], ARGV[4]) end
elseif held_wish ~= ARGV[5] then redis.call('HSET', KEYS[2], ARGV[4], ARGV[5]) end
local there = {}
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  for i = 1, #group, 2 do if group[i] == 'name' then there[group[i + 1]] = true end end
end
for i = 6, #ARGV, 3 do
  if not there[ARGV[i]] and not there[ARGV[i + 2]] then
    local made = create_group(KEYS[1], ARGV[i], ARGV[i + 1], KEYS[2], ARGV[1])
    if made.err then return made end
  end
end
return redis.call('HGET', KEYS[2], 'epoch')`);

/**
 * Idempotent, one script for each partition. Rejects with the client's error; PARTITIONS_MISMATCH for a different
 * layout.
 */
export async function provisionStreams(client: RedisClient, needs: StreamNeeds): Promise<void> {
  const { keyPrefix, partitions, resource, retention, groups } = needs;
  const args = [
    String(partitions),
    ENTRY_FORMAT,
    retentionField(resource),
    retention === null ? '' : JSON.stringify({ maxLength: retention.maxLength, maxAgeMs: retention.maxAgeMs }),
    ...groups.flatMap(({ name, start, former }) => [name, start, former]),
  ];
  await Promise.all(
    Array.from({ length: partitions }, (_, partition) => {
      const keys = streamKeys(keyPrefix, partition);
      return runScript(client, PROVISION, { keys: [keys.events, keys.meta], args: [newEpoch(), ...args] });
    }),
  );
}
