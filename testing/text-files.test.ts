import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Files that the program itself, or the kernel, has written: no one saves them in another encoding. */
const OWN = [
  'cli/configure/generate.ts',
  'gateway/auth/worker-priority.ts',
  'gateway/console/assets.ts',
  'gateway/http/connection-limit.ts',
  'gateway/state/state-folder.ts',
  'runtime/version.ts',
];
const IS_TEST = /(\.(test|suite|bench)\.ts$|\/testing[./])/;

test('every file that a person writes is read by one function, which names another encoding than UTF-8', () => {
  const rooms = ['cli', 'gateway', 'operator', 'runtime', 'source'];
  const files = execFileSync('git', ['ls-files', ...rooms.map((room) => `${room}/**.ts`)], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => file !== '' && !IS_TEST.test(file));
  assert.ok(files.length > 100);
  const lenient = files.filter((file) => /readFile(Sync)?\([^;]*'utf8'/.test(readFileSync(`${ROOT}${file}`, 'utf8')));
  assert.deepEqual(lenient.toSorted(), OWN);
});
