import { DEFAULT_KEY_PREFIX, sourceKeys, streamKeys } from '../../protocol/keys.ts';

/**
 * All Redis commands of a gateway, by purpose. A new command must be added here, too: the gateway's suites run as this
 * user, and a missing command fails them with NOPERM.
 */
export const ACL_COMMANDS = {
  connection: 'info select client|setname wait',
  cluster: 'cluster|slots cluster|keyslot asking readonly readwrite',
  scripts: 'eval evalsha multi exec time',
  streams: 'xadd xread xrange xlen xtrim xdel xinfo|stream',
  groups:
    'xgroup|create xgroup|destroy xgroup|setid xreadgroup xack xpending xclaim xautoclaim xinfo|groups xinfo|consumers',
  keys: 'exists del expire pexpire ttl pttl memory|usage',
  strings: 'get mget set incr incrby decr decrby',
  hashes: 'hget hmget hset hsetnx hexists hgetall hkeys hdel hincrby hlen hvals hscan',
  sets: 'sadd srem scard sscan smembers',
  sortedSets: 'zadd zrem zcard zscore zcount zrange zrangebyscore zremrangebyscore zremrangebyrank',
} as const satisfies Record<string, string>;

/**
 * The rules of a least-privilege user, in the form of `ACL SETUSER <name>` and of a `user <name>` line of redis.conf:
 * the keys of one prefix, no channels, these commands. A password (`>...` or `#<sha256>`) is added when the user is
 * created.
 */
export function aclRules(keyPrefix: string = DEFAULT_KEY_PREFIX): string {
  const commands = Object.values(ACL_COMMANDS).flatMap((words) => words.split(' '));
  return ['on', `~${keyPrefix}*`, 'resetchannels', '-@all', ...commands.map((command) => `+${command}`)].join(' ');
}

/**
 * All Redis commands of a source: it appends to the streams, creates them, and trims them while no other process does;
 * its replicas share state in the keys of sources.
 */
export const SOURCE_ACL_COMMANDS = {
  connection: ACL_COMMANDS.connection,
  cluster: ACL_COMMANDS.cluster,
  scripts: 'eval evalsha time',
  streams: 'xadd xrange xtrim xinfo|stream xgroup|create xgroup|destroy',
  keys: 'exists pexpire pttl',
  strings: 'get set',
  hashes: 'hget hset hsetnx hexists hgetall hdel hincrby',
} as const satisfies Record<string, string>;

/** The rules of a source's user: no key of a resource, a consumer group or a login. Otherwise like `aclRules`. */
export function sourceAclRules(keyPrefix: string = DEFAULT_KEY_PREFIX): string {
  const every = streamKeys(keyPrefix, '*');
  const own = sourceKeys(keyPrefix, '*').everything;
  const keys = [every.events, every.meta, every.trim, every.everySeen, own].map((key) => `~${key}`);
  const commands = Object.values(SOURCE_ACL_COMMANDS).flatMap((words) => words.split(' '));
  return ['on', ...keys, 'resetchannels', '-@all', ...commands.map((command) => `+${command}`)].join(' ');
}
