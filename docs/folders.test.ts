import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unnamedFolders } from './folders.ts';
import { readRepositoryFile, repositoryFiles } from './repository.ts';

test('every folder of the repository is named by the nearest README above it', () => {
  assert.deepEqual(unnamedFolders(repositoryFiles(), readRepositoryFile), []);
});

test('a folder that its README does not name is found', () => {
  const files = ['README.md', 'a/b/x.ts', 'a/c-d/x.ts', 'e/x.ts'];
  const readme = 'The folders `a/`, `a/b` and [e](e/README.md); not c-d.';
  assert.deepEqual(
    unnamedFolders(files, () => readme),
    ['a/c-d: README.md does not name a/c-d/'],
  );
});
