import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { findOnPath, programCache, type Environment } from './program-places.ts';

const BUILD_LIMIT_MS = 3_000_000;
const DOWNLOAD = /^go: (downloading|finding|extracting) /;

export interface GoBuild {
  /** Name and version, for the line of progress. */
  readonly title: string;
  /** Arguments of `go`. */
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly cwd?: string;
  /** Removed when the build fails. */
  readonly draft: string;
  readonly say: (line: string) => void;
}

export function hasGo(environment: Environment): boolean {
  return findOnPath('go', { ask: ['version'], isWanted: () => true }, environment) !== null;
}

/**
 * Runs a Go build; false when it failed. Prints one line when it is done. Go's output is passed on without its lines
 * about downloaded modules.
 */
export async function buildWithGo({ title, args, environment, cwd, draft, say }: GoBuild): Promise<boolean> {
  const start = performance.now();
  const child = spawn('go', args, {
    cwd,
    env: { ...environment, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'pipe'],
    timeout: BUILD_LIMIT_MS,
  });
  createInterface(child.stderr).on('line', (line) => {
    if (!DOWNLOAD.test(line)) say(line);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    await rm(draft, { recursive: true, force: true });
    return false;
  }
  say(`  ${title} built in ${Math.round((performance.now() - start) / 1_000)} s`);
  return true;
}

/** Before the first build, prints what will be built. Prints nothing without Go: the remedy is printed then. */
export function announceBuilds(titles: readonly string[], environment: Environment, say: (line: string) => void): void {
  if (titles.length === 0 || !hasGo(environment)) return;
  say(`building once with Go, or fetching, into ${programCache(environment)}: ${titles.join(', ')}`);
  say('  (all of them: about 25 minutes on 2 cores on a new machine, 6 when Go has their modules)');
}
