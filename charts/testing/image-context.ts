import { readFile } from 'node:fs/promises';
import { dirname, join, matchesGlob, normalize } from 'node:path';

/** The parts of a program, by the text of its files. */
export interface Closure {
  /** From the checkout: modules, and files that are named beside them. */
  readonly files: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
}

// Imports of types disappear when it runs.
const IMPORT = /^(?:import|export) (?!type\b)(?:[^;']* from )?'([^']+)'|\bimport\('([^']+)'\)/gm;
const BESIDE = /new URL\('([^']+)', import\.meta\.url\)/g;

/** Follows imports from these files on. Paths are relative to `root`. */
export async function closureOf(root: string, entries: readonly string[]): Promise<Closure> {
  const files = new Set<string>(entries);
  const packages = new Set<string>();
  for (const file of files) {
    if (!/\.[cm]?[jt]s$/.test(file)) continue;
    const text = await readFile(join(root, file), 'utf8');
    for (const [, from, later] of text.matchAll(IMPORT)) {
      const name = from ?? later ?? '';
      if (name.startsWith('.')) files.add(normalize(join(dirname(file), name)));
      else if (!name.startsWith('node:')) packages.add(packageOf(name));
    }
    for (const [, path = ''] of text.matchAll(BESIDE)) files.add(normalize(join(dirname(file), path)));
  }
  return { files, packages };
}

function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Whether a build gets this file, by the lines of its .dockerignore: the last matching one decides. Pure. */
export function isInContext(path: string, dockerignore: string): boolean {
  const lines = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const last = lines.findLast((line) => {
    const pattern = line.replace(/^!/, '').replace(/\/$/, '');
    return matchesGlob(path, pattern) || matchesGlob(path, `${pattern}/**`);
  });
  return last === undefined || last.startsWith('!');
}
