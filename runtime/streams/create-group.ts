import type { ConsumerGroup } from '../../protocol/subscription.ts';

/**
 * Defines `create_group(stream, name, start)`, for scripts. The count of entries read is set with the group, so that
 * entries which are trimmed before they were read can be told later; after an id of our choice nobody knows it. Raises
 * nothing: replies what XGROUP does, BUSYGROUP where the group is there.
 */
export const CREATE_GROUP_LUA = `
local function create_group(stream, name, start)
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
  return redis.pcall(unpack(create))
end
`;

/** Where a group begins that does not exist yet, as XGROUP CREATE takes it. */
export function startOf(group: Pick<ConsumerGroup, 'startPosition' | 'startID'>): string {
  if (group.startPosition === 'ID') return group.startID ?? '$';
  return group.startPosition === 'Earliest' ? '0' : '$';
}
