import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { CLOSE_MEANINGS } from '../protocol/close-meaning.ts';
import { FRAME_ERRORS } from '../protocol/frame-error.ts';
import { PROBLEMS } from '../protocol/problem-code.ts';
import { ERRORS_FILE, errorsText } from './errors.ts';
import { readRepositoryFile, repositoryFiles } from './repository.ts';

test('docs/errors.md is what npm run generate writes', async () => {
  assert.equal(await readFile(ERRORS_FILE, 'utf8'), await errorsText(), 'run npm run generate');
});

const CODES = [PROBLEMS, { frames: FRAME_ERRORS }, { closes: CLOSE_MEANINGS }].flatMap((table) =>
  Object.values<object>(table).flatMap((section) => Object.keys(section)),
);
/** A test, or what tests share. */
const TEST = /\.(test|suite)\.ts$|^clients\/conformance\/cases\//;
/** This one names codes for another reason. */
const OWN = 'docs/errors.test.ts';

test('R1: every code of the tables is one that the gateway gives', () => {
  // Composed texts, and texts that come from elsewhere unchanged.
  const composed = new Set(['too_many_accounts', 'too_many_events', 'account_quota', 'user_quota']);
  const source = repositoryFiles()
    .filter((path) => path.startsWith('gateway/') && path.endsWith('.ts') && !/\.test\.ts$|\.suite\.ts$/.test(path))
    .map(readRepositoryFile)
    .join('\n');
  const unused = CODES.filter((code) => !composed.has(code) && !source.includes(`'${code}'`));
  assert.deepEqual(unused, []);
});

test('R1: every code of the tables is named by a test', () => {
  const tests = repositoryFiles()
    .filter((path) => TEST.test(path) && path !== OWN)
    .map(readRepositoryFile)
    .join('\n');
  // A code of one word is a word of the language, too: it counts in quotes.
  const named = (code: string) => (code.includes('_') ? `(?<![a-z_])${code}(?![a-z_])` : `(['"])${code}\\1`);
  const unnamed = CODES.filter((code) => !new RegExp(named(code)).test(tests));
  assert.deepEqual(unnamed, [], 'codes that no test provokes');
});
