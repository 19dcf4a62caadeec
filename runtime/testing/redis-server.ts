import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const START_LIMIT_MS = 10_000;

export interface RedisServerOptions {
  /** Data folder; a temporary one, removed by `stop()`, when not given. */
  readonly dir?: string;
  /** A free one when not given. */
  readonly port?: number;
  /** Further arguments of redis-server, such as `--appendonly yes`. */
  readonly args?: readonly string[];
}

/** A real redis-server of this machine, on the loopback interface. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dir: string;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Stops for good and removes a temporary folder. */
  stop(): Promise<void>;
  /** Starts again on the same port and folder, after `kill()` or in place of a running one. */
  restart(): Promise<void>;
}

/** A port that nothing listened on a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Whether a Redis that has loaded its data answers on this port. */
async function answersPing(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write('PING\r\n');
    const [reply] = (await once(socket, 'data')) as [Buffer];
    // A server with a password answers NOAUTH, and is up all the same.
    return reply.toString('latin1').startsWith('+PONG') || reply.toString('latin1').startsWith('-NOAUTH');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Null when the server ended before it answered: the port was taken in the meantime, or an argument is wrong. */
async function launch(port: number, dir: string, args: readonly string[]): Promise<ChildProcess | null> {
  const given = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--daemonize', 'no'];
  const child = spawn('redis-server', [...given, ...args], { stdio: 'ignore' });
  const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
  await Promise.race([once(child, 'spawn'), failed]);
  failed.catch(() => undefined);
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  const deadline = Date.now() + START_LIMIT_MS;
  while (child.exitCode === null && child.signalCode === null) {
    if (await answersPing(port)) return child;
    if (Date.now() > deadline) throw new Error(`redis-server did not answer on port ${port}`);
    await delay(10);
  }
  return null;
}

async function launchSomewhere(options: RedisServerOptions, dir: string) {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const port = options.port ?? (await freePort());
    const child = await launch(port, dir, options.args ?? []);
    if (child) return { port, child };
  }
  throw new Error(`redis-server does not start with ${(options.args ?? []).join(' ')}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'firehose-redis-')));
  const first = await launchSomewhere(options, dir);
  const { port } = first;
  let child = first.child;
  const stop = async () => {
    await end(child, 'SIGKILL');
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return child.pid ?? 0;
    },
    kill: () => end(child, 'SIGKILL'),
    stop,
    async restart() {
      await end(child, 'SIGTERM');
      const again = await launch(port, dir, options.args ?? []);
      if (!again) throw new Error(`redis-server does not start again on port ${port}`);
      child = again;
    },
    [Symbol.asyncDispose]: stop,
  };
}
