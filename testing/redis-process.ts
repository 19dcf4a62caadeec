import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { firstReply } from './first-reply.ts';

const START_LIMIT_MS = 30_000;

/**
 * Whether this process answers on its port, with its data loaded. Another Redis may have the port: then this one is about
 * to end.
 */
async function answers({ pid }: ChildProcess, port: number): Promise<boolean> {
  const reply = await firstReply(port, 'INFO server persistence\r\n');
  // A server with a password or users: it is up.
  if (/^-NO(AUTH|PERM)/.test(reply)) return true;
  return reply.includes(`process_id:${pid}\r`) && /redis_mode:sentinel|loading:0\r/.test(reply);
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
    if (await answers(child, port)) return child;
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
