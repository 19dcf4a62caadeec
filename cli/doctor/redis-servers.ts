import type { RedisConnection, RedisNode } from '../../runtime/redis/connection.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { about, type Finding } from '../../protocol/finding.ts';
import { addressOf, probe, probeSentinel, unreachable } from './redis-probe.ts';

export interface FoundServers {
  /** Servers with the data: the server, the master, the cluster's masters. */
  readonly masters: readonly RedisNode[];
  readonly replicas: readonly RedisNode[];
  readonly findings: readonly Finding[];
}

/** The servers behind the configured addresses. */
export function findServers(connection: RedisConnection): Promise<FoundServers> {
  if (connection.mode === 'Sentinel') return askSentinels(connection);
  if (connection.mode === 'Cluster') return askCluster(connection);
  return Promise.resolve({ masters: connection.nodes, replicas: [], findings: [] });
}

interface SentinelAnswer {
  readonly node: RedisNode;
  readonly master: RedisNode | null;
  readonly replicas: readonly RedisNode[];
  readonly findings: readonly Finding[];
}

async function askSentinels(connection: RedisConnection): Promise<FoundServers> {
  const name = connection.sentinel?.masterName ?? '';
  const answers = await Promise.all(connection.nodes.map((node) => askSentinel(connection, node, name)));
  const findings = answers.flatMap((answer) => answer.findings);
  const named = answers.flatMap(({ master }) => (master === null ? [] : [master]));
  const [master] = named;
  const say = about('redis.sentinels', name);
  if (master === undefined) return { masters: [], replicas: [], findings };
  const replicas = answers.find((answer) => answer.master !== null)?.replicas ?? [];
  const different = new Set(named.map(addressOf));
  const verdicts: Finding[] = [];
  if (different.size > 1) {
    const fix = 'wait for the failover to end; if it stays so, SENTINEL RESET on those that are wrong';
    verdicts.push(say.fail(`the sentinels name different masters: ${[...different].join(', ')}`, fix));
  }
  if (named.length < 3) {
    const seen = `${named.length} of ${answers.length} sentinels answer`;
    verdicts.push(say.warn(seen, 'run three or more and name all in REDIS_URL: a failover needs most of them'));
  }
  if (replicas.length === 0)
    verdicts.push(say.warn('the master has no replica', 'add one: there is nothing to fail over to'));
  const fine = say.ok(`${named.length} sentinels name ${addressOf(master)}, with ${replicas.length} replicas`);
  return { masters: [master], replicas, findings: [...findings, ...(verdicts.length > 0 ? verdicts : [fine])] };
}

async function askSentinel(connection: RedisConnection, node: RedisNode, name: string): Promise<SentinelAnswer> {
  const say = about('redis.sentinel', addressOf(node));
  const nothing = (finding: Finding) => ({ node, master: null, replicas: [], findings: [finding] });
  const reached = await probeSentinel(connection, node);
  if (typeof reached === 'string') {
    const isRefused = ['NOAUTH', 'WRONGPASS', 'NOPERM'].includes(reached);
    const fix = 'set REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD to what the sentinels want';
    return nothing(isRefused ? say.fail(`cannot be used (${reached})`, fix) : unreachable(say, reached));
  }
  using sentinel = reached;
  try {
    const address = (await sentinel.ask('sentinel', 'get-master-addr-by-name', name)) as [string, string] | null;
    if (address === null) return nothing(unreachable(say, 'UNKNOWN_MASTER'));
    const lists = (await sentinel.ask('sentinel', 'replicas', name)) as string[][];
    const field = (list: string[], key: string) => list[list.indexOf(key) + 1] ?? '';
    const replicas = lists.map((list) => ({ host: field(list, 'ip'), port: Number(field(list, 'port')) }));
    return { node, master: { host: address[0], port: Number(address[1]) }, replicas, findings: [] };
  } catch (error) {
    return nothing(unreachable(say, redisErrorCode(error)));
  }
}

type Slots = readonly (readonly [number, number, ...(readonly [string | null, number])[]])[];
const ALL_SLOTS = 16_384;

/** The first node that answers knows the others. */
async function askCluster(connection: RedisConnection): Promise<FoundServers> {
  const findings: Finding[] = [];
  for (const node of connection.nodes) {
    const say = about('redis.cluster', addressOf(node));
    const reached = await probe(connection, node);
    if (typeof reached === 'string') {
      findings.push(unreachable(say, reached));
      continue;
    }
    using asked = reached;
    try {
      const slots = (await asked.ask('cluster', 'slots')) as Slots;
      const found = fromSlots(slots, node);
      return { ...found, findings: [...findings, ...found.findings] };
    } catch (error) {
      const code = redisErrorCode(error);
      // "This instance has cluster support disabled."
      if (code !== 'ERR') findings.push(unreachable(say, code));
      else
        findings.push(say.fail('is no node of a cluster', 'set spec.redis.mode to what it is: Standalone or Sentinel'));
    }
  }
  return { masters: [], replicas: [], findings };
}

function fromSlots(slots: Slots, asked: RedisNode): FoundServers {
  const masters = new Map<string, RedisNode>();
  const replicas = new Map<string, RedisNode>();
  const alone = new Set<string>();
  let covered = 0;
  for (const [first, last, ...nodes] of slots) {
    covered += last - first + 1;
    const [master, ...others] = nodes.map(([host, port]) => ({ host: host || asked.host, port }));
    if (master === undefined) continue;
    masters.set(addressOf(master), master);
    for (const other of others) replicas.set(addressOf(other), other);
    if (others.length === 0) alone.add(addressOf(master));
  }
  const say = about('redis.cluster');
  const verdicts: Finding[] = [];
  if (covered < ALL_SLOTS) {
    const fix = 'bring the missing shard back, or assign its slots: partitions in them cannot be read or written';
    verdicts.push(say.fail(`${ALL_SLOTS - covered} of ${ALL_SLOTS} slots have no master`, fix));
  }
  if (alone.size > 0) {
    const fix = 'give each master a replica: without one its partitions are away as long as it is';
    verdicts.push(say.warn(`no replica in step with ${[...alone].join(', ')}`, fix));
  }
  const fine = say.ok(`${masters.size} masters, ${replicas.size} replicas, all slots`);
  return {
    masters: [...masters.values()],
    replicas: [...replicas.values()],
    findings: verdicts.length > 0 ? verdicts : [fine],
  };
}
