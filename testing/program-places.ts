import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The arguments that print a program's version, and whether that version is suitable. */
export interface VersionCheck {
  readonly ask: readonly string[];
  readonly isWanted: (answer: string) => boolean;
}

const ASK_LIMIT_MS = 30_000;

/** Cache of programs that were built once: outside of the checkout, so that a clean clone does not build again. */
export function programCache(environment: Environment): string {
  const base = environment['XDG_CACHE_HOME'] ?? '';
  return join(base === '' ? join(homedir(), '.cache') : base, 'firehose');
}

/** The first program of this name on the PATH with a suitable version; null when there is none. */
export function findOnPath(program: string, { ask, isWanted }: VersionCheck, environment: Environment): string | null {
  for (const folder of (environment['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    if (folder === '' || !isExecutable(path)) continue;
    const { status, stdout } = spawnSync(path, ask, { encoding: 'utf8', env: environment, timeout: ASK_LIMIT_MS });
    if (status === 0 && isWanted(stdout.trim())) return path;
  }
  return null;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
