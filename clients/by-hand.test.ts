import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRepositoryFile, repositoryFiles } from '../docs/repository.ts';

test('every consumer that is written by hand stands in README.md with the reason, and no other file does', () => {
  const opening = repositoryFiles().filter(
    (path) => /(?<!\.test|\.suite|\.bench)\.ts$/.test(path) && /\bnew WebSocket\(/.test(readRepositoryFile(path)),
  );
  const [, section = ''] = readRepositoryFile('clients/README.md').split('## Consumers that are written by hand');
  const listed = [...section.matchAll(/^\| `([^`]+)` +\| \S/gm)].map(([, path]) => path);
  assert.deepEqual(new Set(listed), new Set(opening));
});
