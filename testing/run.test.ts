import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const RUN = fileURLToPath(new URL('run.ts', import.meta.url));

/** Without any program, only the pure tests can run. */
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

test('what will be built is named before anything is built', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-run-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const program = (name: string, text: string) =>
    writeFile(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await program('redis-server', 'exit 0');
  await program('go', '[ "$1" = version ] || { echo "go build begins" >&2; exit 1; }');
  const env = { PATH: folder, XDG_CACHE_HOME: folder };
  const { stdout } = spawnSync(process.execPath, [RUN, 'cluster'], { env, encoding: 'utf8' });
  const [first = '', ...rest] = stdout.split('\n');
  for (const name of [
    'etcd',
    'kube-apiserver v1.',
    'kubectl v1.',
    'helm v4.',
    'helm v3.',
    'kube-score v1.',
    'glua v1.',
  ]) {
    assert.ok(first.includes(name), `${name} in '${first}'`);
  }
  assert.ok(rest.includes('go build begins'));
  assert.match(stdout, /cluster: NOT RUN: \d+ files, for want of a control plane/);
});
