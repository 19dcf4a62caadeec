import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toolFolder } from './go-tools.ts';
import type { Environment } from './program-places.ts';

const INSTALL_LIMIT_MS = 300_000;

/** Packages with their exact versions, as `typescript@5.9.3` and `httpx==0.28.1`. */
export type Packages = readonly string[];

/** `node_modules` with these packages, installed once into the cache. Their own scripts do not run. Rejects when they cannot be had. */
export async function npmPackages(packages: Packages, environment: Environment): Promise<string> {
  const folder = await once('npm', packages, environment, async (draft) => {
    await mkdir(draft, { recursive: true });
    const flags = ['--prefix', draft, '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    run('npm', ['install', ...flags, ...packages], environment);
  });
  return join(folder, 'node_modules');
}

/**
 * The Python of a virtual environment with these packages, installed once into the cache. Programs of packages are started by
 * `-m`: the environment is moved to its place when it is complete. Rejects when they cannot be had.
 */
export async function pythonWith(packages: Packages, environment: Environment): Promise<string> {
  const folder = await once('python', packages, environment, async (draft) => {
    run('python3', ['-m', 'venv', draft], environment);
    const flags = ['--quiet', '--disable-pip-version-check'];
    run(join(draft, 'bin/python'), ['-m', 'pip', 'install', ...flags, ...packages], environment);
  });
  return join(folder, 'bin/python');
}

async function once(
  kind: string,
  packages: Packages,
  environment: Environment,
  install: (draft: string) => Promise<void>,
): Promise<string> {
  const folder = folderOf(kind, packages, environment);
  if (existsSync(folder)) return folder;
  const draft = `${folder}.draft-${process.pid}`;
  await mkdir(dirname(folder), { recursive: true });
  try {
    await install(draft);
    // Another process may have put it there meanwhile.
    await rename(draft, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

function folderOf(kind: string, packages: Packages, environment: Environment): string {
  const digest = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12);
  return join(toolFolder(environment), `${kind}-${digest}`);
}

function run(program: string, args: readonly string[], environment: Environment): void {
  const options = { encoding: 'utf8', env: environment, timeout: INSTALL_LIMIT_MS } as const;
  const { status, stderr } = spawnSync(program, args, options);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}
