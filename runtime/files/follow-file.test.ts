import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { followFile } from './follow-file.ts';

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'follow-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Collects the delivered contents, and lets a test wait for one. */
function collector() {
  const texts: string[] = [];
  const errors: unknown[] = [];
  let wake: () => void = () => undefined;
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return {
    texts,
    errors,
    until,
    onContent(text: string) {
      texts.push(text);
      wake();
    },
    onError(error: unknown) {
      errors.push(error);
      wake();
    },
  };
}

/** Stops following when the test's scope ends. */
function stopper() {
  const controller = new AbortController();
  return { signal: controller.signal, [Symbol.dispose]: () => controller.abort() };
}

/** Longer than a write in place leaves a file empty. */
const intervalMs = 50;

test('the first content is there when it resolves, and a missing file rejects', async () => {
  await using dir = await folder();
  using stop = stopper();
  const seen = collector();
  const file = join(dir.path, 'a.yaml');
  await assert.rejects(followFile(file, { ...seen, signal: stop.signal, intervalMs }), { code: 'ENOENT' });
  await writeFile(file, 'one');
  await followFile(file, { ...seen, signal: stop.signal, intervalMs });
  assert.deepEqual(seen.texts, ['one']);
});

test('a write in place and an editor that saves by rename are both noticed', async () => {
  await using dir = await folder();
  using stop = stopper();
  const seen = collector();
  const file = join(dir.path, 'a.yaml');
  await writeFile(file, 'one');
  await followFile(file, { ...seen, signal: stop.signal, intervalMs });
  await writeFile(file, 'two');
  await seen.until(() => seen.texts.at(-1) === 'two');
  await writeFile(`${file}~`, 'six');
  await rename(`${file}~`, file);
  await seen.until(() => seen.texts.at(-1) === 'six');
  assert.deepEqual(seen.texts, ['one', 'two', 'six']);
});

test("Kubernetes' swap of the ..data symlink is noticed", async () => {
  await using dir = await folder();
  using stop = stopper();
  const seen = collector();
  for (const [version, text] of [
    ['..1', 'one'],
    ['..2', 'two'],
  ] as const) {
    await mkdir(join(dir.path, version));
    await writeFile(join(dir.path, version, 'a.yaml'), text);
  }
  await symlink('..1', join(dir.path, '..data'));
  await symlink('..data/a.yaml', join(dir.path, 'a.yaml'));
  await followFile(join(dir.path, 'a.yaml'), { ...seen, signal: stop.signal, intervalMs });
  await symlink('..2', join(dir.path, '..data_tmp'));
  await rename(join(dir.path, '..data_tmp'), join(dir.path, '..data'));
  await seen.until(() => seen.texts.length === 2);
  assert.deepEqual(seen.texts, ['one', 'two']);
});

test('a file that vanishes is reported once and followed again when it is back', async () => {
  await using dir = await folder();
  using stop = stopper();
  const seen = collector();
  const file = join(dir.path, 'a.yaml');
  await writeFile(file, 'one');
  await followFile(file, { ...seen, signal: stop.signal, intervalMs });
  await rm(file);
  await seen.until(() => seen.errors.length > 0);
  await writeFile(file, 'two');
  await seen.until(() => seen.texts.length === 2);
  assert.equal(seen.errors.length, 1);
});
