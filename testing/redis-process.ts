import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

const START_LIMIT_MS = 30_000;

/** A port that was free a moment ago. */
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
    // A server with a password answers NOAUTH: it is up.
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
// A test runner ends a file by a signal, after which no exit handler runs by default.
process.once('SIGTERM', () => process.exit(143));

/** Null when the server ended before it answered: the port was taken in the meantime, or an argument is wrong. */
export async function launch(port: number, args: readonly string[]): Promise<ChildProcess | null> {
  const child = spawn('redis-server', [...args], { stdio: 'ignore' });
  const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
  await Promise.race([once(child, 'spawn'), failed]);
  failed.catch(() => undefined);
  alive.add(child);
  // A server that a failed test left behind must not keep the process alive: it ends with it.
  child.unref();
  child.once('exit', () => alive.delete(child));
  const deadline = Date.now() + START_LIMIT_MS;
  while (child.exitCode === null && child.signalCode === null) {
    if (await answersPing(port)) return child;
    if (Date.now() > deadline) throw new Error(`redis-server did not answer on port ${port}`);
    await delay(10);
  }
  return null;
}

export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const gone = once(child, 'exit');
  child.kill(signal);
  // A stopped process gets SIGKILL, but no other signal before it continues.
  if (signal !== 'SIGKILL') child.kill('SIGCONT');
  await gone;
}

/** One command to one server, on a connection of its own. */
export async function ask(
  port: number,
  command: readonly (string | number)[],
  password = '',
  username = '',
): Promise<unknown> {
  const client = new Redis({
    port,
    host: '127.0.0.1',
    lazyConnect: true,
    retryStrategy: () => null,
    enableReadyCheck: false,
    disableClientInfo: true,
    protocol: 2,
    ...(password !== '' && { password }),
    ...(username !== '' && { username }),
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const [name = '', ...rest] = command;
    return await client.call(String(name), ...rest);
  } finally {
    client.disconnect();
  }
}
