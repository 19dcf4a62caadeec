import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildWithGo, hasGo } from './go-build.ts';
import { findOnPath, isExecutable, programCache, type Environment } from './program-places.ts';

/** A program that is built from a locked Go module. */
interface GoModule {
  /** Its name on the PATH. */
  readonly program: string;
  /** The package that is built. */
  readonly module: string;
  /** The folder of `go.mod` and `go.sum`. */
  readonly source: string;
}

export type FoundModule =
  | { readonly ok: true; readonly path: string; readonly version: string }
  /** `remedy` says how to change that. */
  | { readonly ok: false; readonly remedy: string };

/** Finds the program on the PATH or in the cache, or builds it once, with a line of progress. */
export async function ensureGoModule(
  { program, module, source }: GoModule,
  environment: Environment,
  say: (line: string) => void,
): Promise<FoundModule> {
  const found = findOnPath(program, { ask: ['--version'], isWanted: () => true }, environment);
  if (found !== null) return { ok: true, path: found, version: `${program} of the PATH` };
  const locked = (await readFile(join(source, 'go.mod'), 'utf8')).match(new RegExp(`${module} (v\\S+)`))?.[1] ?? '';
  const place = await lockedPlace(source, environment);
  await mkdir(place, { recursive: true });
  const path = join(place, program);
  const version = `${program} ${locked}`;
  if (isExecutable(path)) return { ok: true, path, version };
  if (!hasGo(environment)) return { ok: false, remedy: `install Go 1.26 or newer, or put ${program} on the PATH` };
  say(`building ${version} into ${path}, once`);
  const draft = `${path}.${process.pid}`;
  // Under a temporary name first: an interrupted build leaves nothing that looks complete.
  const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', draft, module];
  const isBuilt = await buildWithGo({ title: version, args, environment, cwd: source, draft, say });
  if (!isBuilt) return { ok: false, remedy: `see why 'go build ${module}' in ${source} fails` };
  await rename(draft, path);
  return { ok: true, path, version };
}

/** A folder of the cache for exactly this source: another lock file has another folder. Its parent exists. */
export async function lockedPlace(source: string, environment: Environment): Promise<string> {
  const hash = createHash('sha256');
  const files = (await readdir(source, { withFileTypes: true })).filter((entry) => entry.isFile());
  for (const { name } of files.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(name).update(await readFile(join(source, name)));
  }
  const parent = join(programCache(environment), 'peers');
  await mkdir(parent, { recursive: true });
  return join(parent, `${basename(source)}-${hash.digest('hex').slice(0, 12)}`);
}
