import type { RedisClient } from '../../runtime/redis/client.ts';
import { z } from 'zod';
import { groupKeys, streamKeys } from '../../protocol/keys.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';

/**
 * The content of one partition. KEYS: events, then a dead-letter stream for each group. ARGV: the groups' names.
 * Replies JSON. The user may lack the right to MEMORY: the size is then 0.
 */
const REPORT = defineScript(`
local function fields(list)
  local found = {}
  for i = 1, #list, 2 do found[list[i]] = list[i + 1] or cjson.null end
  return found
end
if redis.call('EXISTS', KEYS[1]) == 0 then return '{}' end
local info = fields(redis.call('XINFO', 'STREAM', KEYS[1]))
local first = info['first-entry']
local bytes = redis.pcall('MEMORY', 'USAGE', KEYS[1])
local report = {
  length = info['length'], added = info['entries-added'], newest = info['last-generated-id'],
  oldest = type(first) == 'table' and first[1] or '', bytes = tonumber(bytes) or 0, groups = {}, names = {},
}
local known = {}
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local found = fields(group)
  known[found['name']] = found
  report.names[#report.names + 1] = found['name']
end
for i, name in ipairs(ARGV) do
  local found = known[name]
  local dead = redis.call('XLEN', KEYS[1 + i])
  if found then
    local pending = redis.call('XPENDING', KEYS[1], name)
    report.groups[name] = {
      lag = found['lag'], read = found['entries-read'], delivered = found['last-delivered-id'],
      pending = found['pending'], consumers = found['consumers'], oldestPending = pending[2] or '', dead = dead,
    }
  end
end
return cjson.encode(report)`);

const groupSchema = z.object({
  lag: z.int().nullable(),
  read: z.int().nullable(),
  delivered: z.string(),
  pending: z.int(),
  consumers: z.int(),
  oldestPending: z.string(),
  dead: z.int(),
});

/** cjson encodes an empty table as an object, even if it was a list. */
const listOf = <S extends z.ZodType>(item: S) => z.union([z.array(item), z.strictObject({}).transform(() => [])]);

const partitionSchema = z.object({
  length: z.int().default(0),
  added: z.int().default(0),
  newest: z.string().default('0-0'),
  /** Empty when there is no entry. */
  oldest: z.string().default(''),
  bytes: z.int().default(0),
  groups: z.record(z.string(), groupSchema).default({}),
  /** Of every group, including groups of other resources. */
  names: listOf(z.string()).default([]),
});

export type PartitionReport = z.output<typeof partitionSchema>;
export type GroupReport = z.output<typeof groupSchema>;

/** The present content of each stream. `groups` are the names in Redis of the reported groups. */
export async function reportStreams(
  client: RedisClient,
  where: { keyPrefix: string; partitions: number },
  groups: readonly string[],
): Promise<PartitionReport[]> {
  return Promise.all(
    Array.from({ length: where.partitions }, async (_, partition) => {
      const dead = groups.map((group) => groupKeys(where.keyPrefix, partition, group).dead);
      const keys = [streamKeys(where.keyPrefix, partition).events, ...dead];
      const reply = await runScript(client, REPORT, { keys, args: [...groups] });
      return partitionSchema.parse(JSON.parse(String(reply)));
    }),
  );
}

/**
 * Entries that a group has not read in one partition; an estimate where Redis does not know it, and never 0 because it
 * is unknown.
 */
export function lagOf(partition: PartitionReport, group: GroupReport): { lag: number; isExact: boolean } {
  if (group.lag !== null) return { lag: group.lag, isExact: true };
  const delivered = milliseconds(group.delivered);
  const [oldest, newest] = [milliseconds(partition.oldest), milliseconds(partition.newest)];
  if (group.delivered === partition.newest || partition.length === 0) return { lag: 0, isExact: true };
  if (delivered < oldest) return { lag: partition.length, isExact: false };
  // Assumes that entries arrive evenly over time, which suffices to distinguish ten from ten thousand.
  const share = newest > oldest ? (newest - delivered) / (newest - oldest) : 1;
  return { lag: Math.max(1, Math.round(partition.length * Math.min(1, share))), isExact: false };
}

/** The time in an entry id. */
export function milliseconds(id: string): number {
  return Number(id.split('-')[0] ?? 0);
}
