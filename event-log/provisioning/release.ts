import type { RedisClient } from '../../runtime/redis/client.ts';
import { accountsOfGroup, callKeys, formerGroupName, groupKeys, groupName, streamKeys } from '../../protocol/keys.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { accountRows } from './account-groups.ts';
import { groupField } from './create-group.ts';
import { cursorKeyField } from '../known-streams.ts';
import { reportStreams } from './report.ts';
import { retentionField } from './retention.ts';

/**
 * KEYS: events, owner, token, attempts, dead, meta. ARGV: group, its field in the meta. Replies 1 when the group
 * existed.
 */
const DESTROY = defineScript(`
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
redis.call('HDEL', KEYS[6], ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1])`);

/**
 * Withdraws a resource's retention. KEYS: events, meta, trim, the table of live calls and its accounts. ARGV: field of
 * the retention, 1 to delete the stream when no retention is left and no group reads it, field of the cursor key, the
 * prefix of an account's legs. A resource of the same name may later read a remaining stream with old cursors. Replies
 * 1 when it was deleted.
 */
const LEAVE = defineScript(`
redis.call('HDEL', KEYS[2], ARGV[1])
if ARGV[2] ~= '1' then return 0 end
redis.call('HDEL', KEYS[2], ARGV[3])
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  if string.sub(field, 1, 10) == 'retention:' then return 0 end
end
if redis.call('EXISTS', KEYS[1]) == 1 and #redis.call('XINFO', 'GROUPS', KEYS[1]) > 0 then return 0 end
for _, account in ipairs(redis.call('SMEMBERS', KEYS[5])) do redis.call('DEL', ARGV[4] .. account) end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
return 1`);

/** Destroys a consumer group on every partition, with its owner, its counters and its dead letters. */
export async function destroyGroup(
  client: RedisClient,
  where: { keyPrefix: string; partitions: number },
  name: string,
): Promise<void> {
  for (let partition = 0; partition < where.partitions; partition += 1) {
    const { owner, token, attempts, dead } = groupKeys(where.keyPrefix, partition, name);
    const { events, meta } = streamKeys(where.keyPrefix, partition);
    const keys = [events, owner, token, attempts, dead, meta];
    await runScript(client, DESTROY, { keys, args: [name, groupField(name)] });
  }
}

/**
 * Destroys a declared group: that of every account, the one of the former form, and the register. Groups that are not
 * in the register are found by their names. Returns the names in Redis. Rejects with the client's error; safe to
 * repeat.
 */
export async function destroyDeclared(
  client: RedisClient,
  where: { keyPrefix: string; partitions: number },
  of: { readonly resource: string; readonly group: string },
): Promise<string[]> {
  const rows = await accountRows(client, where.keyPrefix, of);
  const former = formerGroupName(of.resource, of.group);
  const reports = await reportStreams(client, where, []);
  const found = reports.flatMap(({ names }) =>
    names.filter((name) => name === former || name.startsWith(`${former}/`)),
  );
  const known = rows.map(({ account }) => groupName(of.resource, of.group, account));
  const names = [...new Set([...known, ...found])];
  for (const name of names) await destroyGroup(client, where, name);
  const keys = accountsOfGroup(where.keyPrefix, of);
  const kept = rows.flatMap(({ account }) => [keys.grant(account), keys.members(account)]);
  await client.del(keys.accounts, ...kept);
  return names;
}

/**
 * A resource leaves the streams: its retention no longer counts. With `deletes` the streams are deleted if it was the
 * last resource. Returns the number of deleted streams.
 */
export async function leaveStreams(
  client: RedisClient,
  where: { keyPrefix: string; partitions: number; resource: string },
  deletes: boolean,
): Promise<number> {
  let deleted = 0;
  for (let partition = 0; partition < where.partitions; partition += 1) {
    const { events, meta, trim } = streamKeys(where.keyPrefix, partition);
    const { at, accounts, legs } = callKeys(where.keyPrefix, partition);
    const args = [retentionField(where.resource), deletes ? '1' : '0', cursorKeyField(where.resource), legs('')];
    deleted += Number(await runScript(client, LEAVE, { keys: [events, meta, trim, at, accounts], args }));
  }
  return deleted;
}
