import { spawnSync } from 'node:child_process';

export type RedisInstalled = { readonly ok: true } | { readonly ok: false; readonly remedy: string };

const REMEDY = 'apt-get install -y redis-server';
const APT_LIMIT_MS = 300_000;

/** Sees to it that there is a redis-server on the PATH: on Debian root installs it, elsewhere `remedy` says how to. */
export function ensureRedis(say: (line: string) => void): RedisInstalled {
  if (isThere('redis-server')) return { ok: true };
  if (process.getuid?.() !== 0 || !isThere('apt-get')) return { ok: false, remedy: REMEDY };
  say('redis-server is not on the PATH: installing it with apt-get (about half a minute) ...');
  const isInstalled =
    apt('install', '-y', '--no-install-recommends', 'redis-server') ||
    (apt('update') && apt('install', '-y', '--no-install-recommends', 'redis-server'));
  return isInstalled && isThere('redis-server') ? { ok: true } : { ok: false, remedy: REMEDY };
}

function apt(...args: string[]): boolean {
  // RUNLEVEL=1: the package's own service is not started; the tests start their servers themselves.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  return spawnSync('apt-get', ['-qq', ...args], { env, stdio: [...stdio], timeout: APT_LIMIT_MS }).status === 0;
}

function isThere(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}
