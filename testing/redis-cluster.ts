import { freePort } from './free-port.ts';
import { ask } from './redis-process.ts';
import { isInStep, portOf } from './redis-sentinel.ts';
import type { Certificates } from './certificates.ts';
import type { RedisConnection } from '../runtime/redis/connection.ts';
import { connectionWith } from './redis-connection.ts';
import { startRedis, type RedisServer, type RedisServerOptions } from './redis-server.ts';
import { until } from './until.ts';

const MASTERS = 3;
const SLOTS = 16_384;

export interface ClusterOptions {
  /** Replicas of each master; default 0. */
  readonly replicas?: number;
  /** For each Redis. */
  readonly args?: readonly string[];
  readonly users?: readonly string[];
  /** The nodes use TLS between each other, and name their TLS ports to clients that use TLS; `url` is `rediss://`. */
  readonly tls?: Certificates;
}

/** A node of the cluster with its id. */
interface ClusterServer extends RedisServer {
  readonly id: string;
}

/** Three masters that share the slots evenly, and their replicas. */
export interface RedisCluster extends AsyncDisposable {
  /** All nodes: `redis://127.0.0.1:1,127.0.0.1:2,...`. */
  readonly url: string;
  readonly masters: readonly ClusterServer[];
  readonly replicas: readonly ClusterServer[];
  /** The master of a key's slot according to the first living node, by port. */
  masterOf(key: string): Promise<ClusterServer>;
  /** Moves the slot of a key, with every key in it, to another master, in batches of `count`. */
  moveSlot(key: string, to: ClusterServer, count?: number): Promise<void>;
}

export async function startCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { replicas = 0 } = options;
  await using stack = new AsyncDisposableStack();
  const started = await Promise.all(Array.from({ length: MASTERS * (1 + replicas) }, () => startNode(options)));
  for (const one of started) stack.use(one);
  const nodes = await Promise.all(
    started.map(async (one) => Object.assign(one, { id: String(await ask(one.port, ['cluster', 'myid'])) })),
  );
  const masters = nodes.slice(0, MASTERS);
  await join(nodes, masters);
  const followers = nodes.slice(MASTERS);
  await Promise.all(
    followers.map(({ port }, at) => ask(port, ['cluster', 'replicate', masters[at % MASTERS]?.id ?? ''])),
  );
  await Promise.all(followers.map(isInStep));
  // A replica counts for a failover once the others know its master.
  await Promise.all(nodes.map(({ port }) => knowsReplicas(port, followers.length)));
  const byPort = (port: number) => nodes.find((node) => node.port === port);
  const masterOf = async (key: string) => {
    const slot = Number(await anyOf(nodes, ['cluster', 'keyslot', key]));
    const ranges = (await anyOf(nodes, ['cluster', 'slots'])) as [number, number, [string, number]][];
    const range = ranges.find(([first, last]) => first <= slot && slot <= last);
    const found = byPort(range?.[2][1] ?? 0);
    if (!found) throw new Error(`no master for slot ${slot}`);
    return found;
  };
  const owned = stack.move();
  return {
    url: `${options.tls === undefined ? 'redis' : 'rediss'}://${nodes.map((node) => `127.0.0.1:${portOf(node)}`).join(',')}`,
    masters,
    replicas: followers,
    masterOf,
    async moveSlot(key, to, count = 10) {
      const from = await masterOf(key);
      await moveSlot({ key, from, to, count, others: masters });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const ALWAYS = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1500', '--repl-diskless-sync-delay', '0'];

const ATTEMPTS = 5;

/** Tries again with another port for the bus: another process may take one between finding and using it. */
async function startNode(options: ClusterOptions): Promise<RedisServer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startNodeAt(options, await freePort());
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** The bus' usual port, 10,000 above, is out of range for most free ports. */
async function startNodeAt(options: ClusterOptions, busPort: number): Promise<RedisServer> {
  const { args = [], users = [], tls } = options;
  const given: RedisServerOptions = {
    users,
    ...(tls !== undefined && { tls }),
    args: [
      ...ALWAYS,
      ...(tls === undefined ? [] : ['--tls-cluster', 'yes']),
      '--cluster-port',
      String(busPort),
      ...args,
    ],
  };
  return Object.assign(await startRedis(given), { busPort });
}

async function join(nodes: readonly ClusterServer[], masters: readonly ClusterServer[]): Promise<void> {
  const [first] = masters;
  await Promise.all(
    masters.map(async ({ port }, at) => {
      const [from, to] = [Math.ceil((SLOTS / MASTERS) * at), Math.ceil((SLOTS / MASTERS) * (at + 1)) - 1];
      await ask(port, ['cluster', 'addslotsrange', from, to]);
      await ask(port, ['cluster', 'set-config-epoch', at + 1]);
    }),
  );
  const busPort = (first as unknown as { busPort: number }).busPort;
  for (const { port } of nodes) {
    if (port !== first?.port)
      await ask(port, ['cluster', 'meet', '127.0.0.1', first === undefined ? 0 : portOf(first), busPort]);
  }
  await Promise.all(
    nodes.map(({ port }) =>
      until('a cluster that is up', async () => {
        const info = String(await ask(port, ['cluster', 'info']));
        // Without required full coverage, a node reports ok before it knows the owners of the slots.
        const wanted = ['cluster_state:ok', `cluster_slots_ok:${SLOTS}`, `cluster_known_nodes:${nodes.length}`];
        return wanted.every((line) => info.includes(`${line}\r`));
      }),
    ),
  );
}

async function knowsReplicas(port: number, count: number): Promise<void> {
  await until('a node that knows the replicas', async () => {
    const lines = String(await ask(port, ['cluster', 'nodes'])).split('\n');
    return lines.filter((line) => / (myself,)?slave /.test(line)).length === count;
  });
}

/** The answer of the first node that answers. */
async function anyOf(nodes: readonly RedisServer[], command: readonly (string | number)[]): Promise<unknown> {
  for (const { port } of nodes) {
    try {
      return await ask(port, command);
    } catch {
      // The next one may be alive.
    }
  }
  throw new Error('no node of the cluster answers');
}

interface Move {
  readonly key: string;
  readonly from: ClusterServer;
  readonly to: ClusterServer;
  readonly count: number;
  readonly others: readonly ClusterServer[];
}

/** As the Redis Cluster specification requires: importing, migrating, key by key, then the new owner is announced. */
async function moveSlot({ key, from, to, count, others }: Move): Promise<void> {
  const slot = Number(await ask(from.port, ['cluster', 'keyslot', key]));
  await ask(to.port, ['cluster', 'setslot', slot, 'importing', from.id]);
  await ask(from.port, ['cluster', 'setslot', slot, 'migrating', to.id]);
  for (;;) {
    const keys = (await ask(from.port, ['cluster', 'getkeysinslot', slot, count])) as string[];
    if (keys.length === 0) break;
    await ask(from.port, ['migrate', '127.0.0.1', portOf(to), '', 0, 5_000, 'KEYS', ...keys]);
  }
  for (const { port } of [to, from, ...others]) await ask(port, ['cluster', 'setslot', slot, 'node', to.id]);
}

export function clusterConnection(url: string): RedisConnection {
  return connectionWith(url, { mode: 'Cluster' });
}
