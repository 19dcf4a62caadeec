import type { GatewayConfig } from '../../gateway/config.ts';
import { infoFields } from '../../runtime/redis/info.ts';
import type { RedisConnection, RedisNode } from '../../runtime/redis/connection.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { judgeClock } from './clock.ts';
import { about, type Finding } from '../../protocol/finding.ts';
import { judgeServer, type ServerLook } from './judge-server.ts';
import { judgePermissions, LostServer } from './permissions.ts';
import { addressOf, probe, unreachable, type Probe } from './redis-probe.ts';
import { findServers } from './redis-servers.ts';

export interface LookedAtRedis {
  readonly findings: readonly Finding[];
  /** Servers that have the streams and answered. */
  readonly masters: readonly ServerLook[];
}

/** Every server of the gateway's Redis, including replicas: each of them may be the master tomorrow. */
export async function lookAtRedis(
  config: GatewayConfig & { readonly redis: RedisConnection },
  now: () => number,
): Promise<LookedAtRedis> {
  const found = await findServers(config.redis);
  const look = (expected: ServerLook['expected']) => (node: RedisNode) =>
    lookAtServer(config, { ...node, expected }, now);
  const [masters, replicas] = await Promise.all([
    Promise.all(found.masters.map(look('master'))),
    Promise.all(found.replicas.map(look('replica'))),
  ]);
  return {
    findings: [...found.findings, ...[...masters, ...replicas.map(asReplica)].flatMap(({ findings }) => findings)],
    masters: masters.flatMap((one) => (one.look === null ? [] : [one.look])),
  };
}

interface LookedAtServer {
  readonly findings: readonly Finding[];
  readonly look: ServerLook | null;
}

/** An unreachable one serves no client today. */
function asReplica(server: LookedAtServer): LookedAtServer {
  if (server.look !== null) return server;
  const fix = 'bring it back, or open the way to it: a failover would lead nowhere';
  return { ...server, findings: server.findings.map((finding) => ({ ...finding, status: 'warn' as const, fix })) };
}

async function lookAtServer(
  { redis, subscription }: GatewayConfig & { readonly redis: RedisConnection },
  node: RedisNode & Pick<ServerLook, 'expected'>,
  now: () => number,
): Promise<LookedAtServer> {
  const address = addressOf(node);
  const say = about('redis.server', address);
  const [first, second] = await Promise.all([probe(redis, node), probe(redis, node)]);
  using stack = new DisposableStack();
  for (const one of [first, second]) if (typeof one !== 'string') stack.use(one);
  if (typeof first === 'string') return { look: null, findings: [unreachable(say, first)] };
  if (typeof second === 'string') return { look: null, findings: [unreachable(say, second)] };
  const { keyPrefix } = subscription.spec.redis;
  const isCluster = redis.mode === 'Cluster';
  let permissions: Finding[] = [];
  try {
    permissions = [await judgePermissions(second, { address, username: redis.username, keyPrefix, isCluster })];
    const look = { ...(await facts(first)), address, expected: node.expected };
    const clock = await readClock(first, address, now);
    const judged = [...judgeMode(look, isCluster), ...judgeServer(look, subscription.spec.stream)];
    return { look, findings: [...judged, ...permissions, clock] };
  } catch (error) {
    const code = error instanceof LostServer ? 'CONNECTION_LOST' : redisErrorCode(error);
    if (code === 'UNKNOWN') throw error;
    // Missing permissions were reported already.
    return { look: null, findings: code === 'NOPERM' ? permissions : [...permissions, unreachable(say, code)] };
  }
}

/** A node of a cluster accepts the same commands as a single server, for its own slots. */
function judgeMode({ address, info }: ServerLook, isCluster: boolean): Finding[] {
  if (isCluster || info.get('redis_mode') !== 'cluster') return [];
  return [
    about('redis.mode', address).fail('is a node of a cluster', 'set spec.redis.mode to Cluster, in a new resource'),
  ];
}

async function facts(asked: Probe): Promise<Pick<ServerLook, 'info' | 'appendfsync' | 'save'>> {
  const info = infoFields(String(await asked.ask('info')));
  return { info, appendfsync: await setting(asked, 'appendfsync'), save: await setting(asked, 'save') };
}

/** Null when CONFIG is forbidden to this user. */
async function setting(asked: Probe, name: string): Promise<string | null> {
  try {
    const [, value] = (await asked.ask('config', 'get', name)) as [string, string];
    return value;
  } catch (error) {
    if (redisErrorCode(error) === 'NOPERM') return null;
    throw error;
  }
}

async function readClock(asked: Probe, address: string, now: () => number): Promise<Finding> {
  const before = now();
  const [seconds, microseconds] = (await asked.ask('time')) as [string, string];
  const time = Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  const reading = { asked: before, answered: now(), earliest: time, latest: time + 1 };
  return judgeClock({ check: 'redis.clock', subject: address, ...reading });
}
