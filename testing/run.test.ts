import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const RUN = fileURLToPath(new URL('run.ts', import.meta.url));

/** Where no program is found, nothing but the pure tests can run. */
function runBare(...args: string[]) {
  const env = { PATH: '/nonexistent', CI: 'true' };
  return spawnSync(process.execPath, [RUN, ...args], { env, encoding: 'utf8' });
}

test('a level that cannot run here is one clear line, and a failure in CI', () => {
  const { status, stdout } = runBare('e2e');
  assert.match(stdout, /^e2e: NOT RUN: \d+ files, for want of .+\. To run them: .+\n$/);
  assert.equal(status, 1);
});

test('where it is wanted if possible alone, the line is all that there is', () => {
  const { status, stdout } = runBare('e2e', '--where-possible');
  assert.match(stdout, /^e2e: NOT RUN: .+\n$/);
  assert.equal(status, 0);
});
