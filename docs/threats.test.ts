import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRepositoryFile, repositoryFiles } from './repository.ts';

const FILES = new Set(repositoryFiles());

test('every row of the threats names a test that exists', () => {
  const page = readRepositoryFile('docs/threats.md');
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !/^\| (threat |-)/.test(line));
  assert.ok(rows.length > 20);
  const faults = rows.flatMap((row) => {
    const tests = [...row.matchAll(/`([\w./-]+\.(?:test|suite)\.ts)`/g)].map(([, path = '']) => path);
    const missing = tests.filter((path) => !FILES.has(path));
    return tests.length === 0 ? [`no test: ${row}`] : missing.map((path) => `no such file: ${path}`);
  });
  assert.deepEqual(faults, []);
});
