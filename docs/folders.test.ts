import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldersWithoutReadme, unnamedFolders } from './folders.ts';
import { readRepositoryFile, repositoryFiles } from './repository.ts';

/** As CONTRIBUTING.md says. */
const MOST_LINES = 400;

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

test('no module but a test is longer than a reader holds in mind', () => {
  const modules = repositoryFiles().filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
  const long = modules.filter((path) => readRepositoryFile(path).split('\n').length - 1 > MOST_LINES);
  assert.deepEqual(long, []);
});

test('every folder of more than three files opens with a README', () => {
  assert.deepEqual(foldersWithoutReadme(repositoryFiles()), []);
});

test('a folder of four files without a README is found; one of three files, and one of fixtures, needs none', () => {
  const filesOf = (folder: string, count: number) => Array.from({ length: count }, (_, i) => `${folder}/${i}.ts`);
  const files = [
    ...filesOf('a', 4),
    ...filesOf('b', 3),
    ...filesOf('c/fixtures', 9),
    ...filesOf('d', 4),
    'd/README.md',
  ];
  assert.deepEqual(foldersWithoutReadme(files), ['a']);
});
