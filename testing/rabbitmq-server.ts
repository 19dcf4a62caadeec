import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Certificates } from './certificates.ts';
import { rabbitPlace } from './rabbitmq-installed.ts';
import { firstReply } from './first-reply.ts';
import { freePort } from './free-port.ts';

/** The scripts themselves: those on the PATH change to a user of the package. */
const BIN = '/usr/lib/rabbitmq/bin';
const START_LIMIT_MS = 240_000;
/** For a hook that starts one: a busy machine takes minutes where an idle one takes seconds. */
export const RABBIT_START = { timeout: START_LIMIT_MS + 60_000 };

/**
 * A real RabbitMQ, of the release that `rabbitPlace` selects, on the loopback interface, with a node name, ports and
 * folders of its own.
 */
export interface RabbitServer extends AsyncDisposable {
  /** As `guest`, who has all rights. */
  readonly url: string;
  readonly port: number;
  /** With TLS, for the host `localhost`; empty without `tls`. */
  readonly tlsUrl: string;
  /** A folder with a `rabbitmqctl` for this broker. */
  readonly bin: string;
  /** SIGKILL of all its processes, and waits until they are gone. */
  kill(): Promise<void>;
  /** Starts it again on the same ports and folders. */
  restart(): Promise<void>;
  /** Runs `rabbitmqctl` with these arguments; resolves with its output. */
  ctl(...args: readonly string[]): Promise<string>;
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) if (child.pid !== undefined) killGroup(child.pid);
});

interface RabbitOptions {
  /** Also listens with TLS, only for clients with a certificate of the same authority. */
  readonly tls?: Certificates;
}

export async function startRabbit({ tls }: RabbitOptions = {}): Promise<RabbitServer> {
  const { root, folders, before } = await rabbitPlace(process.env);
  const folder = await mkdtemp(join(folders, `firehose-rabbit-${process.pid}-`));
  /** The same folder, as the broker sees it. */
  const dir = folder.slice(root.length);
  const [port, distPort, epmdPort, tlsPort] = [await freePort(), await freePort(), await freePort(), await freePort()];
  await mkdir(join(folder, 'log'));
  await writeFile(join(folder, 'plugins'), '[].\n');
  if (tls !== undefined) await configureTls(tls, { folder, dir, port: tlsPort });
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: dir,
    // Without it, rabbitmqctl reads its arguments as Latin-1.
    LC_ALL: 'C.UTF-8',
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `firehose${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'plugins'),
    RABBITMQ_CONFIG_FILE: join(dir, tls === undefined ? 'none' : 'rabbitmq.conf'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 1:1',
  };
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const program = (name: string) => [...before, join(BIN, name)] as const;
  const exports = Object.entries(env).map(([name, value]) => `export ${name}='${value}'`);
  const wrapper = ['#!/bin/sh', ...exports, `exec ${program('rabbitmqctl').join(' ')} -q "$@"`, ''].join('\n');
  await writeFile(join(bin, 'rabbitmqctl'), wrapper, { mode: 0o755 });
  // In the foreground, so that it ends with this process; a detached broker would remain.
  const epmd = run([...before, 'epmd', '-port', String(epmdPort), '-address', '127.0.0.1'], env);
  const start = () => run(program('rabbitmq-server'), env);
  let broker = start();
  await answers(broker, port, folder);
  return {
    tlsUrl: tls === undefined ? '' : `amqps://guest:guest@localhost:${tlsPort}`,
    kill: () => end(broker),
    async restart() {
      broker = start();
      await answers(broker, port, folder);
    },
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    bin,
    ctl: async (...args) => {
      const [command, ...rest] = program('rabbitmqctl');
      const { stdout } = await promisify(execFile)(command, [...rest, '-q', ...args], { env, timeout: 60_000 });
      return stdout;
    },
    async [Symbol.asyncDispose]() {
      await end(broker);
      await end(epmd);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface TlsPlace {
  readonly folder: string;
  readonly dir: string;
  readonly port: number;
}

async function configureTls(tls: Certificates, { folder, dir, port }: TlsPlace): Promise<void> {
  await copyFile(tls.caFile, join(folder, 'ca.crt'));
  await copyFile(tls.certFile, join(folder, 'tls.crt'));
  await copyFile(tls.keyFile, join(folder, 'tls.key'));
  const lines = [
    `listeners.ssl.default = 127.0.0.1:${port}`,
    `ssl_options.cacertfile = ${join(dir, 'ca.crt')}`,
    `ssl_options.certfile = ${join(dir, 'tls.crt')}`,
    `ssl_options.keyfile = ${join(dir, 'tls.key')}`,
    'ssl_options.verify = verify_peer',
    'ssl_options.fail_if_no_peer_cert = true',
  ];
  await writeFile(join(folder, 'rabbitmq.conf'), `${lines.join('\n')}\n`);
}

/** In a process group of its own, because the broker's script starts other processes. */
function run([program = '', ...args]: readonly string[], env: Record<string, string>): ChildProcess {
  const child = spawn(program, args, { env, stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  alive.add(child);
  child.unref();
  child.once('exit', () => alive.delete(child));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const gone = once(child, 'exit');
  killGroup(child.pid);
  await gone;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended already.
  }
}

async function answers(child: ChildProcess, port: number, folder: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  // Connection.Start, to the header of the protocol.
  while (!(await firstReply(port, 'AMQP\0\0\u0009\u0001')).startsWith('\u0001')) {
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`rabbitmq-server does not answer on port ${port}; its log is in ${join(folder, 'log')}`);
    }
    await delay(50);
  }
}
