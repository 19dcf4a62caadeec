import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readText, TextEncodingFault, unreadable } from './text-file.ts';

const TEXT = 'name: zürich\n';

async function reading(bytes: Buffer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-text-'));
  try {
    const path = join(folder, 'file.yaml');
    await writeFile(path, bytes);
    return await readText(path);
  } catch (error) {
    assert.ok(error instanceof TextEncodingFault && error.code === 'not_utf8');
    return unreadable(error);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('UTF-8 is read with and without a byte order mark, which is no part of the text', async () => {
  assert.equal(await reading(Buffer.from(TEXT)), TEXT);
  assert.equal(await reading(Buffer.from(`\ufeff${TEXT}`)), TEXT);
  assert.equal(await reading(Buffer.alloc(0)), '');
});

test('another encoding is named, with what to do', async () => {
  for (const text of [TEXT, `\ufeff${TEXT}`]) {
    const little = Buffer.from(text, 'utf16le');
    assert.equal(await reading(little), 'is UTF-16: save it as UTF-8');
    assert.equal(await reading(Buffer.from(little).swap16()), 'is UTF-16: save it as UTF-8');
  }
  assert.equal(await reading(Buffer.from(TEXT, 'latin1')), 'is not UTF-8: save it as UTF-8');
});

test('a file that is not there is told by its code', async () => {
  const error: unknown = await readText('/nowhere/at-all').catch((fault: unknown) => fault);
  assert.equal(unreadable(error), 'cannot be read (ENOENT)');
});
