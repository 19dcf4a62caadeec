import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensurePackages, isOnPath, nameHost, type Installed } from './debian.ts';
import { programCache, type Environment } from './program-places.ts';

/** `4`: tests start the RabbitMQ 4 in the cache; else the one of this machine. */
export const RABBIT_RELEASE = 'TEST_RABBITMQ';
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const STEP_LIMIT_MS = 300_000;

/** Where a broker runs. */
export interface RabbitPlace {
  /** Its root folder; empty for that of this machine. */
  readonly root: string;
  /** The parent of its folders. */
  readonly folders: string;
  /** Prefix of each of its commands. */
  readonly before: readonly string[];
}

export async function rabbitPlace(environment: Environment): Promise<RabbitPlace> {
  if (environment[RABBIT_RELEASE] !== '4') return { root: '', folders: tmpdir(), before: [] };
  const root = newRoot(environment);
  if (!isThere(root)) throw new Error('There is no RabbitMQ 4: node testing/run.ts rabbitmq installs it');
  const folders = join(root, 'srv');
  await removeLeftovers(folders);
  await nameHost(root);
  return { root, folders, before: ['chroot', root] };
}

/** Folders of processes that were killed. */
async function removeLeftovers(folders: string): Promise<void> {
  for (const name of readdirSync(folders)) {
    const [, pid] = /^firehose-rabbit-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      await rm(join(folders, name), { recursive: true, force: true });
  }
}

/** Installs rabbitmq-server (3.10) as root on Debian when it is missing; on other machines `remedy` says how. */
export function ensureRabbit(say: (line: string) => void): Installed {
  return ensurePackages([{ name: 'rabbitmq-server', isThere: () => isThere('') }], say);
}

/**
 * Creates a small Debian with a RabbitMQ 4 in the cache, once, as root on Debian (a minute, 500 MB); on other machines
 * `remedy` says how. Installs nothing of it on the machine itself.
 */
export async function ensureNewRabbit(environment: Environment, say: (line: string) => void): Promise<Installed> {
  const root = newRoot(environment);
  if (isThere(root)) return { ok: true };
  const remedy = `as root on Debian: debootstrap --variant=minbase sid ${root} && chroot ${root} apt-get install -y rabbitmq-server`;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) return { ok: false, remedy };
  const tool = ensurePackages([{ name: 'debootstrap', isThere: () => isOnPath('debootstrap') }], say);
  if (!tool.ok) return tool;
  await mkdir(dirname(root), { recursive: true });
  say(`installing RabbitMQ 4 of Debian sid in ${root} (about a minute) ...`);
  return install(root) ? { ok: true } : { ok: false, remedy };
}

function newRoot(environment: Environment): string {
  return join(programCache(environment), 'rabbitmq-sid');
}

function isThere(root: string): boolean {
  return existsSync(join(root, SERVER));
}

/**
 * Under a temporary name until it is complete: an interrupted one is not used, and two concurrent ones do not collide.
 */
function install(root: string): boolean {
  const partial = `${root}.partial-${process.pid}`;
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', '-qq'];
  try {
    const isWhole =
      run('debootstrap', '--variant=minbase', 'sid', partial) &&
      run('chroot', partial, ...apt, 'install', '-y', '--no-install-recommends', 'rabbitmq-server') &&
      run('chroot', partial, 'apt-get', 'clean') &&
      isThere(partial);
    if (isWhole && !existsSync(root)) renameSync(partial, root);
    return isWhole;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function run(program: string, ...args: readonly string[]): boolean {
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  return spawnSync(program, args, { stdio: [...stdio], timeout: STEP_LIMIT_MS }).status === 0;
}
