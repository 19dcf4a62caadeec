import { ACL_COMMANDS, aclRules } from '../../runtime/redis/acl.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { about, type Finding } from '../../protocol/finding.ts';
import type { Probe } from './redis-probe.ts';

type Words<Text extends string> = Text extends `${infer First} ${infer Rest}` ? First | Words<Rest> : Text;
type Command = Words<(typeof ACL_COMMANDS)[keyof typeof ACL_COMMANDS]>;

/**
 * Arguments with which Redis accepts each command as well-formed; `@` is a key of this gateway. Inside MULTI, Redis
 * checks the user and then queues: nothing is ever executed, because the connection ends without EXEC. A new command in
 * the rules must be added here, too: the types require it.
 */
const SAMPLES: Readonly<Record<Exclude<Command, 'multi' | 'exec'>, string>> = {
  info: '',
  select: '0',
  'client|setname': 'firehose:doctor',
  wait: '0 1',
  'cluster|slots': '',
  'cluster|keyslot': '@',
  asking: '',
  readonly: '',
  readwrite: '',
  eval: 'x 1 @',
  evalsha: 'x 1 @',
  time: '',
  xadd: '@ * d x',
  xread: 'STREAMS @ 0',
  xrange: '@ - +',
  xlen: '@',
  xtrim: '@ MAXLEN 1',
  xdel: '@ 1-1',
  'xinfo|stream': '@',
  'xgroup|create': '@ g 0',
  'xgroup|destroy': '@ g',
  'xgroup|setid': '@ g 0',
  xreadgroup: 'GROUP g c STREAMS @ >',
  xack: '@ g 1-1',
  xpending: '@ g',
  xclaim: '@ g c 0 1-1',
  xautoclaim: '@ g c 0 0',
  'xinfo|groups': '@',
  'xinfo|consumers': '@ g',
  exists: '@',
  del: '@',
  expire: '@ 1',
  pexpire: '@ 1',
  ttl: '@',
  pttl: '@',
  'memory|usage': '@',
  get: '@',
  mget: '@',
  set: '@ x',
  incr: '@',
  incrby: '@ 1',
  decr: '@',
  decrby: '@ 1',
  hget: '@ f',
  hmget: '@ f',
  hset: '@ f x',
  hsetnx: '@ f x',
  hexists: '@ f',
  hgetall: '@',
  hkeys: '@',
  hdel: '@ f',
  hincrby: '@ f 1',
  hlen: '@',
  hvals: '@',
  hscan: '@ 0',
  sadd: '@ m',
  srem: '@ m',
  scard: '@',
  sscan: '@ 0',
  smembers: '@',
  zadd: '@ 1 m',
  zrem: '@ m',
  zcard: '@',
  zscore: '@ m',
  zcount: '@ 0 1',
  zrange: '@ 0 1',
  zrangebyscore: '@ 0 1',
  zremrangebyscore: '@ 0 1',
  zremrangebyrank: '@ 0 1',
};

const CLUSTER_ALONE: ReadonlySet<string> = new Set(ACL_COMMANDS.cluster.split(' '));

export interface PermissionInput {
  readonly address: string;
  readonly username: string;
  readonly keyPrefix: string;
  readonly isCluster: boolean;
}

/** Whether this user may execute a gateway's commands on this server. The connection is used for nothing else. */
export async function judgePermissions(asked: Probe, input: PermissionInput): Promise<Finding> {
  const { address, username, keyPrefix, isCluster } = input;
  const user = username === '' ? 'default' : username;
  const say = about('redis.permissions', address);
  const answer = (command: string, args: readonly string[]) => {
    const [name = '', ...sub] = command.split('|');
    return asked.ask(name, ...sub, ...args).then(() => 'allowed' as const, verdictOf);
  };
  // Outside of MULTI it has nothing to execute, and replies an error to a user that may run it.
  const missing = (await answer('exec', [])) === 'command' ? ['exec'] : [];
  if ((await answer('multi', [])) === 'command') {
    const rules = aclRules(keyPrefix);
    return say.fail(`the user ${user} may not use MULTI, and probably more`, `ACL SETUSER ${user} ${rules}`);
  }
  const key = `${keyPrefix}{0}:doctor`;
  const wanted = Object.entries(SAMPLES).filter(([command]) => isCluster || !CLUSTER_ALONE.has(command));
  const verdicts = await Promise.all(
    wanted.map(([command, sample]) => {
      const args = sample.split(' ').map((word) => (word === '@' ? key : word));
      return answer(command, sample === '' ? [] : args);
    }),
  );
  missing.push(...wanted.flatMap(([command], at) => (verdicts[at] === 'command' ? [command] : [])));
  const rules = missing.map((command) => `+${command}`);
  if (verdicts.includes('key')) rules.push(`~${keyPrefix}*`);
  if (rules.length > 0) {
    return say.fail(
      `the user ${user} lacks ${rules.join(' ')}`,
      `ACL SETUSER ${user} ${rules.join(' ')}, on every server`,
    );
  }
  const beyond = await Promise.all([answer('get', ['elsewhere']), answer('config|get', ['maxmemory'])]);
  if (beyond.every((verdict) => verdict === 'allowed')) {
    const fix = 'make a user of least privilege: the line is in runtime/redis/README.md';
    return say.warn(`the user ${user} may do what a gateway needs, and much more`, fix);
  }
  return say.ok(`the user ${user} may do what a gateway needs`);
}

/** Redis replies other errors of a command only to a user that may run it. */
function verdictOf(error: unknown): 'allowed' | 'command' | 'key' {
  const code = redisErrorCode(error);
  // How EXEC is refused.
  if (code === 'EXECABORT' && String(error).includes('NOPERM')) return 'command';
  if (code === 'NOPERM') return /access (one of the keys|a key)/.test(String(error)) ? 'key' : 'command';
  if (code === 'TIMEOUT' || code === 'CONNECTION_LOST' || code === 'UNREACHABLE') throw new LostServer();
  return 'allowed';
}

/** The server became unavailable during the check: its own finding reports that. */
export class LostServer extends Error {
  override readonly name = 'LostServer';
  readonly code = 'redis_lost';
}
