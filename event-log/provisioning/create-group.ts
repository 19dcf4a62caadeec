import type { ConsumerGroup } from '../../protocol/subscription.ts';

const GROUP_FIELD = 'group:';

/**
 * Defines `create_group(stream, name, start, meta, mark)`, for scripts. A new group leaves a mark of its own in the
 * meta, so that its readers notice a different group under the same name. The count of read entries is set with the
 * group, so that entries that are trimmed before they were read can be reported later; after a declared id it is
 * unknown. Raises nothing: replies as XGROUP does, BUSYGROUP when the group exists.
 */
export const CREATE_GROUP_LUA = `
local function create_group(stream, name, start, meta, mark)
  local create = { 'XGROUP', 'CREATE', stream, name, start }
  if start == '$' or start == '0' then
    local found = {}
    local info = redis.call('XINFO', 'STREAM', stream)
    for i = 1, #info, 2 do found[info[i]] = info[i + 1] end
    local read = found['entries-added']
    if start == '0' then read = read - found['length'] end
    create[6] = 'ENTRIESREAD'
    create[7] = string.format('%.0f', read)
  end
  local made = redis.pcall(unpack(create))
  if not made.err then redis.call('HSET', meta, '${GROUP_FIELD}' .. name, mark) end
  return made
end
`;

/** Field of a partition's meta with the mark of a group. `name` is the group's in Redis. */
export function groupField(name: string): string {
  return `${GROUP_FIELD}${name}`;
}

/** Where a new group begins, as XGROUP CREATE takes it. */
export function startOf(group: Pick<ConsumerGroup, 'startPosition' | 'startID'>): string {
  if (group.startPosition === 'ID') return group.startID ?? '$';
  return group.startPosition === 'Earliest' ? '0' : '$';
}
