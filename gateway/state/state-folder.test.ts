import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import { keptToken, openStateFolder } from './state-folder.ts';

test('the folder and its parents are made for their owner alone, and a token is kept over restarts', async () => {
  const base = await mkdtemp(join(tmpdir(), 'firehose-state-'));
  try {
    const path = join(base, 'a', 'b', 'c');
    const token = await keptToken(await openStateFolder(path), 'ingest-token');
    assert.equal(await keptToken(await openStateFolder(path), 'ingest-token'), token);
    assert.ok(token.length >= 40);
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.equal((await stat(join(path, 'ingest-token'))).mode & 0o777, 0o600);
  } finally {
    await rm(base, { recursive: true });
  }
});

test('a folder that cannot be made is a fault that names it, and never a wait', { timeout: 10_000 }, async () => {
  for (const path of ['/proc/firehose', '/proc/a/b/c', '/dev/null/x']) {
    await assert.rejects(openStateFolder(path), (error) => {
      assert.ok(error instanceof ConfigurationFault);
      assert.ok(error.message.includes(path), error.message);
      return true;
    });
  }
});

test('a folder of another owner will do when it can be written to, as a volume of a pod', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root makes folders for others');
  const path = await mkdtemp(join(tmpdir(), 'firehose-state-'));
  try {
    const source = `import { keptToken, openStateFolder } from ${JSON.stringify(import.meta.resolve('./state-folder.ts'))};
      await keptToken(await openStateFolder(process.argv[1]), 'token');`;
    const asNobody = () => spawnSync(process.execPath, ['--input-type=module', '-e', source, path], { uid: 65_532 });
    await chmod(path, 0o755);
    assert.match(asNobody().stderr.toString(), /configuration_fault|FIREHOSE_STATE/);
    await chmod(path, 0o777);
    assert.equal(asNobody().stderr.toString(), '');
    assert.equal((await stat(join(path, 'token'))).uid, 65_532);
  } finally {
    await rm(path, { recursive: true });
  }
});
