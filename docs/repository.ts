import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** Every file of the checkout that is tracked, or new and not ignored: paths from the root, sorted. */
export function repositoryFiles(): readonly string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const listed = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 }).split('\0');
  const deleted = execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
  return listed.filter((path) => path !== '' && !deleted.includes(path)).sort();
}

export function readRepositoryFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The pages whose code blocks are executed: the README and every page of this folder, and that of each client. */
export function documentationPages(): readonly string[] {
  return repositoryFiles().filter(
    (path) => path === 'README.md' || /^(docs\/[^/]+|clients\/[^/]+\/README)\.md$/.test(path),
  );
}
