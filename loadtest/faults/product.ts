import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The product's source for a run. */
export interface Product extends AsyncDisposable {
  readonly root: string;
}

/** A deliberate bug: one place in one file, replaced. */
export interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What a gateway process imports. */
export const SOURCES = ['gateway', 'event-log', 'source', 'protocol', 'runtime', 'package.json'];

export const unchanged: Product = { root: ROOT, [Symbol.asyncDispose]: () => Promise.resolve() };

/**
 * A copy of the source with a bug in it; throws unless the place occurs exactly once, because the bug would test
 * nothing.
 */
export async function withBug(patch: Patch): Promise<Product> {
  const root = await mkdtemp(join(tmpdir(), 'firehose-mutant-'));
  for (const source of SOURCES) await cp(join(ROOT, source), join(root, source), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  await writeFile(join(root, patch.file), await patched(patch));
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

/** The file's text with the bug in it. */
export async function patched({ file, find, replace }: Patch): Promise<string> {
  const text = await readFile(join(ROOT, file), 'utf8');
  const places = text.split(find).length - 1;
  if (places !== 1) throw new Error(`${file}: the place of the bug is there ${places} times: ${find}`);
  return text.replace(find, () => replace);
}
