import { randomBytes } from 'node:crypto';

/**
 * Creates the stream and its meta when either is missing, and refuses a different layout. Needs `events, meta` as the
 * first two keys, and a fresh epoch, the number of partitions and the format as the first three arguments. Refuses a
 * server older than Redis 7.0, whose scripts cannot read its version: reading needs commands that it lacks. A stream
 * that is missing while its meta exists was deleted: it gets a new epoch. So does everything after FLUSHALL.
 */
export const ENSURE_LUA = `
if not redis.REDIS_VERSION_NUM then return redis.error_reply('TOO_OLD Redis 7.0 or newer is needed') end
local held = redis.call('HGET', KEYS[2], 'partitions')
if held and held ~= ARGV[2] then
  return redis.error_reply('PARTITIONS_MISMATCH the streams have ' .. held .. ' partitions')
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XGROUP', 'CREATE', KEYS[1], 'making', '$', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', KEYS[1], 'making')
  redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'partitions', ARGV[2], 'format', ARGV[3])
  redis.call('HDEL', KEYS[2], 'trimmed', 'removed')
elseif not held or redis.call('HEXISTS', KEYS[2], 'epoch') == 0 then
  redis.call('HSETNX', KEYS[2], 'epoch', ARGV[1])
  redis.call('HSETNX', KEYS[2], 'partitions', ARGV[2])
  redis.call('HSETNX', KEYS[2], 'format', ARGV[3])
end
`;

export function newEpoch(): string {
  return randomBytes(9).toString('base64url');
}
