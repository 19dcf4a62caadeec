import assert from 'node:assert/strict';
import { test } from 'node:test';
import { citedIn, readInvariants } from './invariants.ts';
import { readRepositoryFile, repositoryFiles } from './repository.ts';

const PAGE = 'docs/invariants.md';
const DEFINED = readInvariants(readRepositoryFile(PAGE));
const NAMES = new Set(DEFINED.map(({ name }) => name));
const FAMILIES = new Set(DEFINED.map(({ name }) => name.replace(/\d+$/, '')));
/** Where a name is a citation: source, tests and documentation, but not data or figures. */
const CITING = repositoryFiles().filter(
  (path) => /\.(ts|md)$/.test(path) && !path.startsWith('loadtest/benchmark/') && !path.startsWith('docs/invariants'),
);
const citedBy = (path: string) => citedIn(readRepositoryFile(path), FAMILIES);

test('every invariant that is cited is defined', () => {
  const faults = CITING.flatMap((path) =>
    [...citedBy(path)].filter((name) => !NAMES.has(name)).map((name) => `${path} cites ${name}`),
  );
  assert.deepEqual(faults, []);
});

test('every invariant has a test, and every test listed for it names it', () => {
  const faults = DEFINED.flatMap(({ name, tests }) => [
    ...(tests.length === 0 ? [`${name} has no test`] : []),
    ...tests.filter((path) => !CITING.includes(path) || !citedBy(path).has(name)).map((path) => `${path}: no ${name}`),
  ]);
  assert.deepEqual(faults, []);
});

test('a range cites all that it spans, and other words cite nothing', () => {
  const families = new Set(['I']);
  assert.deepEqual([...citedIn('holds (I1-I3, I7): P4, XI4, I12b', families)], ['I1', 'I2', 'I3', 'I7']);
  assert.deepEqual(readInvariants('## I1\n\nText.\n\n- [a](../a.test.ts)\n'), [{ name: 'I1', tests: ['a.test.ts'] }]);
});
