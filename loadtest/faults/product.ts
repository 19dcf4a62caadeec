import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The product's source as a run uses it. */
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
const SOURCES = ['gateway', 'protocol', 'runtime', 'package.json'];

export const unchanged: Product = { root: ROOT, [Symbol.asyncDispose]: () => Promise.resolve() };

/** A copy of the source with a bug in it; throws when the place is not there once, or the bug would test nothing. */
export async function withBug(patch: Patch): Promise<Product> {
  const root = await mkdtemp(join(tmpdir(), 'firehose-mutant-'));
  for (const source of SOURCES) await cp(join(ROOT, source), join(root, source), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const file = join(root, patch.file);
  const text = await readFile(file, 'utf8');
  const places = text.split(patch.find).length - 1;
  if (places !== 1) throw new Error(`${patch.file}: the place of the bug is there ${places} times: ${patch.find}`);
  await writeFile(
    file,
    text.replace(patch.find, () => patch.replace),
  );
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}
