import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { flatFiles } from '../runner/config-map.ts';
import { startStage, WITH_K6 } from '../testing/stage.ts';

test('the smoke test runs from the files of the ConfigMap alone', WITH_K6, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-config-map-'));
  await using stage = await startStage();
  for (const [name, text] of await flatFiles()) await writeFile(join(folder, name), text);
  const { code, output } = await stage.run('smoke', {}, { folder });
  await rm(folder, { recursive: true });
  assert.equal(code, 0, output);
});
