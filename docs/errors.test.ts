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

test('R1: every code of the tables is one that the gateway gives', () => {
  // Those that are composed, and those that come from elsewhere as they are.
  const composed = new Set(['too_many_accounts', 'too_many_events', 'account_quota', 'user_quota']);
  const source = repositoryFiles()
    .filter((path) => path.startsWith('gateway/') && path.endsWith('.ts') && !/\.test\.ts$|\.suite\.ts$/.test(path))
    .map(readRepositoryFile)
    .join('\n');
  const codes = [PROBLEMS, { frames: FRAME_ERRORS }, { closes: CLOSE_MEANINGS }].flatMap((table) =>
    Object.values<object>(table).flatMap((section) => Object.keys(section)),
  );
  const unused = codes.filter((code) => !composed.has(code) && !source.includes(`'${code}'`));
  assert.deepEqual(unused, []);
});
