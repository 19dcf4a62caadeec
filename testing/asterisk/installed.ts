import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ensurePackages, isOnPath, type Installed } from '../debian.ts';
import { programCache, type Environment } from '../program-places.ts';

/**
 * Newest first. No release of Debian between the two has an Asterisk; on a day when sid is broken, the other one is
 * used.
 */
const SUITES = ['sid', 'bullseye'] as const;
const STEP_LIMIT_MS = 300_000;

/** The root folder of a Debian that has an Asterisk; null when there is none yet. */
export function asteriskRoot(environment: Environment): string | null {
  const roots = SUITES.map((suite) => rootOf(suite, environment));
  return roots.find((root) => existsSync(join(root, 'usr/sbin/asterisk'))) ?? null;
}

/**
 * Creates a small Debian with an Asterisk in the cache, once, as root on Debian (about 30 s, 600 MB); on other machines
 * `remedy` says how. Installs nothing of it on the machine itself.
 */
export async function ensureAsterisk(environment: Environment, say: (line: string) => void): Promise<Installed> {
  if (asteriskRoot(environment) !== null) return { ok: true };
  const wanted = rootOf('sid', environment);
  const remedy = `as root on Debian: debootstrap --variant=minbase sid ${wanted} && chroot ${wanted} apt-get install -y asterisk`;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) return { ok: false, remedy };
  const tool = ensurePackages([{ name: 'debootstrap', isThere: () => isOnPath('debootstrap') }], say);
  if (!tool.ok) return tool;
  await mkdir(dirname(wanted), { recursive: true });
  for (const suite of SUITES) {
    say(`installing Asterisk of Debian ${suite} in ${rootOf(suite, environment)} (about half a minute) ...`);
    if (install(suite, rootOf(suite, environment))) return { ok: true };
  }
  return { ok: false, remedy };
}

function rootOf(suite: string, environment: Environment): string {
  return join(programCache(environment), `asterisk-${suite}`);
}

/**
 * Under a temporary name until it is complete: an interrupted one is not used, and two concurrent ones do not collide.
 */
function install(suite: string, root: string): boolean {
  const partial = `${root}.partial-${process.pid}`;
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', '-qq'];
  try {
    const isWhole =
      run('debootstrap', '--variant=minbase', suite, partial) &&
      run('chroot', partial, ...apt, 'install', '-y', '--no-install-recommends', 'asterisk') &&
      run('chroot', partial, 'apt-get', 'clean') &&
      run('chroot', partial, 'asterisk', '-V');
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
