import { DEFAULT_KEY_PREFIX } from '../../protocol/keys.ts';

/**
 * Everything a gateway asks of Redis, by what for. Who adds a command adds it here: the gateway's suites run as this
 * user, and a command that is missing fails them with NOPERM.
 */
export const ACL_COMMANDS = {
  connection: 'info select client|setname wait',
  cluster: 'cluster|slots cluster|keyslot asking readonly readwrite',
  scripts: 'eval evalsha multi exec time',
  streams: 'xadd xread xrange xlen xtrim xdel xinfo|stream',
  groups:
    'xgroup|create xgroup|destroy xgroup|setid xreadgroup xack xpending xclaim xautoclaim xinfo|groups xinfo|consumers',
  keys: 'exists del expire pexpire ttl pttl',
  strings: 'get mget set incr incrby decr decrby',
  hashes: 'hget hmget hset hsetnx hexists hgetall hdel hincrby',
  sortedSets: 'zadd zrem zcard zscore zcount zrange zrangebyscore zremrangebyscore zremrangebyrank',
} as const satisfies Record<string, string>;

/**
 * The rules of a user of least privilege, as `ACL SETUSER <name>` and a `user <name>` line of redis.conf take them: the
 * keys of one prefix, no channels, these commands. A password (`>...` or `#<sha256>`) is added by whoever makes the user.
 */
export function aclRules(keyPrefix: string = DEFAULT_KEY_PREFIX): string {
  const commands = Object.values(ACL_COMMANDS).flatMap((words) => words.split(' '));
  return ['on', `~${keyPrefix}*`, 'resetchannels', '-@all', ...commands.map((command) => `+${command}`)].join(' ');
}
