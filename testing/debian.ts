import { spawnSync } from 'node:child_process';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const APT_LIMIT_MS = 300_000;

export type Installed = { readonly ok: true } | { readonly ok: false; readonly remedy: string };

/** Something from a Debian package, and a check whether it is installed. */
export interface DebianPackage {
  readonly name: string;
  readonly isThere: () => boolean;
}

/** Installs the missing ones as root on Debian; on other machines `remedy` says how. */
export function ensurePackages(packages: readonly DebianPackage[], say: (line: string) => void): Installed {
  const missing = packages.filter(({ isThere }) => !isThere());
  if (missing.length === 0) return { ok: true };
  const names = missing.map(({ name }) => name);
  const remedy = `apt-get install -y ${names.join(' ')}`;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) return { ok: false, remedy };
  say(`installing ${names.join(', ')} with apt-get (about half a minute) ...`);
  const install = ['install', '-y', '--no-install-recommends', ...names];
  const isInstalled = apt(...install) || (apt('update') && apt(...install));
  return isInstalled && missing.every(({ isThere }) => isThere()) ? { ok: true } : { ok: false, remedy };
}

export function isOnPath(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/**
 * Lets programs look up their own host name in a Debian of its own. The file is replaced in one step: programs of another
 * test may be reading it.
 */
export async function nameHost(root: string): Promise<void> {
  const file = join(root, 'etc/hosts');
  const text = `127.0.0.1 localhost ${hostname()}\n`;
  if ((await readFile(file, 'utf8').catch(() => '')) === text) return;
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, text);
  await rename(draft, file);
}

function apt(...args: string[]): boolean {
  // RUNLEVEL=1: a package's own service is not started; the tests start their servers themselves.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  return spawnSync('apt-get', ['-qq', ...args], { env, stdio: [...stdio], timeout: APT_LIMIT_MS }).status === 0;
}
