import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { silentLogger } from '../../runtime/logging/logger.ts';
import type { Directory } from './directory.ts';
import { openLiveDirectory } from './live-directory.ts';

async function fileWith(text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'directory-'));
  const path = join(folder, 'directory.yaml');
  await writeFile(path, text);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

const options = { logger: silentLogger, signal: new AbortController().signal, intervalMs: 5 };
const withName = (name: string) => `accounts:\n  - { id: a, name: ${name}, realm: a.example.com }\n`;

test('a change of the file is told to listeners and is what is in force', async () => {
  await using file = await fileWith(withName('one'));
  await using live = await openLiveDirectory({ ...options, path: file.path });
  assert.equal(live.current.accounts.get('a')?.name, 'one');
  const changed = new Promise<Directory>((resolve) => live.onChange(resolve));
  await writeFile(file.path, withName('two'));
  assert.equal((await changed).accounts.get('a')?.name, 'two');
  assert.equal(live.current, await changed);
});

test('the last good directory stays in force while the file is faulty', async () => {
  await using file = await fileWith(withName('one'));
  await using live = await openLiveDirectory({ ...options, path: file.path });
  await writeFile(file.path, 'accounts: 5');
  while (live.status.faults === 0) await setImmediate();
  assert.equal(live.current.accounts.get('a')?.name, 'one');
  const changed = new Promise<Directory>((resolve) => live.onChange(resolve));
  await writeFile(file.path, withName('three'));
  await changed;
  assert.equal(live.status.faults, 0);
});

test('it does not open with a faulty or missing file, and names every fault', async () => {
  await using file = await fileWith('accounts:\n  - { id: 12 }\n');
  await assert.rejects(openLiveDirectory({ ...options, path: file.path }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'directory_invalid');
    assert.match(error.message, /accounts\[0\]\.id: .*quote it/);
    assert.match(error.message, /accounts\[0\]\.realm: is missing/);
    return true;
  });
  await assert.rejects(openLiveDirectory({ ...options, path: `${file.path}.none` }), { code: 'directory_unreadable' });
});

test('a listener that was taken off hears nothing more', async () => {
  await using file = await fileWith(withName('one'));
  await using live = await openLiveDirectory({ ...options, path: file.path });
  const heard: string[] = [];
  live.onChange(() => heard.push('first'))();
  const changed = new Promise<Directory>((resolve) => live.onChange(resolve));
  await writeFile(file.path, withName('two'));
  await changed;
  assert.deepEqual(heard, []);
});
