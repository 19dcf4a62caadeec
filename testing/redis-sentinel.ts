import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { ask, end, launch } from './redis-process.ts';
import type { RedisConnection } from '../runtime/redis/connection.ts';
import { connectionWith } from './redis-connection.ts';
import type { Certificates } from './certificates.ts';
import { startRedis, tlsArguments, type RedisServer } from './redis-server.ts';
import { until } from './until.ts';

const SENTINELS = 3;
export const MASTER_NAME = 'firehose-master';

export interface SentinelOptions {
  /** For each Redis. */
  readonly args?: readonly string[];
  readonly replicas?: number;
  /** ACL lines of each Redis; the default user remains open for replication. */
  readonly users?: readonly string[];
  /** Password of the sentinels themselves; without blanks. */
  readonly sentinelPassword?: string;
  /** The ports of the sentinels and of the servers that they name use TLS; `url` begins with `rediss://`. */
  readonly tls?: Certificates;
}

/** One master, its replicas and three sentinels that watch them. */
export interface RedisSentinel extends AsyncDisposable {
  /** The sentinels: `redis://127.0.0.1:1,127.0.0.1:2,...`. */
  readonly url: string;
  readonly sentinelPorts: readonly number[];
  /** All of them; the first one started as the master. */
  readonly servers: readonly RedisServer[];
  /** The server that the sentinels name as master now. */
  master(): Promise<RedisServer>;
  /** Waits until a server other than `old` is the master. */
  failedOver(old: RedisServer): Promise<RedisServer>;
}

export async function startSentinel(options: SentinelOptions = {}): Promise<RedisSentinel> {
  const { replicas = 1, users = [], sentinelPassword = '', tls } = options;
  await using stack = new AsyncDisposableStack();
  const overTls = tls === undefined ? [] : ['--tls-replication', 'yes'];
  const args = ['--repl-diskless-sync-delay', '0', '--repl-timeout', '10', ...overTls, ...(options.args ?? [])];
  const common = { users, ...(tls !== undefined && { tls }) };
  const first = stack.use(await startRedis({ ...common, args }));
  const others = await Promise.all(
    Array.from({ length: replicas }, () =>
      startRedis({ ...common, args: [...args, '--replicaof', '127.0.0.1', String(portOf(first))] }),
    ),
  );
  for (const other of others) stack.use(other);
  await Promise.all(others.map(isInStep));
  const watchers = await Promise.all(
    Array.from({ length: SENTINELS }, () => startWatcher(portOf(first), sentinelPassword, tls)),
  );
  for (const watcher of watchers) stack.use(watcher);
  const ports = watchers.map(({ port }) => port);
  await Promise.all(ports.map((port) => knowsAll(port, replicas, sentinelPassword)));
  const servers = [first, ...others];
  const master = async () => {
    const address = (await ask(
      ports[0] ?? 0,
      ['sentinel', 'get-master-addr-by-name', MASTER_NAME],
      sentinelPassword,
    )) as string[];
    const found = servers.find((server) => String(portOf(server)) === address[1]);
    if (!found) throw new Error('the sentinels name a master that this test did not start');
    return found;
  };
  const owned = stack.move();
  return {
    url: `${tls === undefined ? 'redis' : 'rediss'}://${watchers.map((one) => `127.0.0.1:${portOf(one)}`).join(',')}`,
    sentinelPorts: ports,
    servers,
    master,
    async failedOver(old) {
      await until('a failover', async () => {
        const now = await master();
        return now.port !== old.port && (await roleOf(now.port)) === 'master';
      });
      return master();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function roleOf(port: number): Promise<string> {
  const [role] = (await ask(port, ['role'])) as [string];
  return role;
}

/** Waits until a replica has received all data of its master. */
export async function isInStep({ port }: { readonly port: number }): Promise<void> {
  await until('a replica in step', async () => {
    const text = String(await ask(port, ['info', 'replication']));
    return text.includes('master_link_status:up') && text.includes('master_sync_in_progress:0');
  });
}

/** The port for other processes: the TLS port where there is TLS. */
export function portOf(one: { readonly port: number; readonly tlsPort: number }): number {
  return one.tlsPort === 0 ? one.port : one.tlsPort;
}

async function startWatcher(masterPort: number, password: string, tls: Certificates | undefined) {
  const dir = await mkdtemp(join(tmpdir(), 'firehose-sentinel-'));
  const file = join(dir, 'sentinel.conf');
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const [port, tlsPort] = [await freePort(), tls === undefined ? 0 : await freePort()];
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${dir}`,
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
      `sentinel failover-timeout ${MASTER_NAME} 5000`,
      ...(password === '' ? [] : [`requirepass ${password}`, `sentinel sentinel-pass ${password}`]),
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    const child: ChildProcess | null = await launch(port, [
      file,
      '--sentinel',
      ...(tls === undefined ? [] : [...tlsArguments(tls, tlsPort), '--tls-replication', 'yes']),
    ]);
    if (!child) continue;
    const stop = async () => {
      await end(child, 'SIGKILL');
      await rm(dir, { recursive: true, force: true });
    };
    return { port, tlsPort, [Symbol.asyncDispose]: stop };
  }
  throw new Error('a sentinel does not start');
}

/** A sentinel finds replicas by asking the master, and other sentinels by their announcements there every 2 s. */
async function knowsAll(port: number, replicas: number, password: string): Promise<void> {
  await until('a sentinel that knows all others', async () => {
    const pairs = (await ask(port, ['sentinel', 'master', MASTER_NAME], password)) as string[];
    const field = (name: string) => pairs[pairs.indexOf(name) + 1];
    return field('num-other-sentinels') === String(SENTINELS - 1) && field('num-slaves') === String(replicas);
  });
}

export function sentinelConnection(url: string, login: { sentinelPassword?: string } = {}): RedisConnection {
  return connectionWith(url, { mode: 'Sentinel', sentinel: { masterName: MASTER_NAME } }, login);
}
