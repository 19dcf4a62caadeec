import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { test } from 'node:test';
import { readRepositoryFile, repositoryFiles } from './repository.ts';
import { documentedBlocks } from './testing/snippets.ts';

/** Blocks for reading only. */
const READ_ONLY = new Set(['text']);
const FILES = repositoryFiles();
const OWN_TESTS = FILES.filter((path) => /^docs\/[^/]+\.test\.ts$/.test(path));

/**
 * Whether a test executes a block with this name: one of this folder by name, or the named test, which names the page.
 */
function isExecuted(run: string, page: string): boolean {
  if (!run.endsWith('.test.ts')) return OWN_TESTS.some((path) => readRepositoryFile(path).includes(`'${run}'`));
  return FILES.includes(run) && readRepositoryFile(run).includes(basename(page));
}

test('every block of code of the documentation is executed by a test', () => {
  const faults = documentedBlocks()
    .filter(({ language }) => !READ_ONLY.has(language))
    .filter(({ run, page }) => run === null || !isExecuted(run, page))
    .map(
      ({ page, line, run }) =>
        `${page}:${line}: ${run === null ? 'no <!-- run: ... --> before it' : `no test runs '${run}'`}`,
    );
  assert.deepEqual(faults, []);
});
