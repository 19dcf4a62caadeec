import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readText, unreadable } from '../../runtime/files/text-file.ts';
import { readSecret, secretText, valueOf } from './secret-text.ts';

const TEXT = '[{"kid":"zürich"}]\r\n';
const holding = (bytes: Buffer) => ({ metadata: { name: 's' }, data: { key: bytes.toString('base64') } });

/** What a gateway makes of the file that Kubernetes mounts for the key. */
async function mounted(bytes: Buffer): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-secret-'));
  try {
    await writeFile(join(folder, 'key'), bytes);
    return { text: await readText(join(folder, 'key')) };
  } catch (error) {
    return { fault: unreadable(error) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('I17: operator and gateway read the same from a key of a Secret, or refuse it with the same words', async () => {
  const little = Buffer.from(`\ufeff${TEXT}`, 'utf16le');
  const readable = [Buffer.from(TEXT), Buffer.from(`\ufeff${TEXT}`), Buffer.from(`${TEXT}\n`), Buffer.alloc(0)];
  const unread = [little, Buffer.from(little).swap16(), Buffer.from(TEXT, 'utf16le'), Buffer.from(TEXT, 'latin1')];
  for (const bytes of [...readable, ...unread]) {
    assert.deepEqual(readSecret(holding(bytes), 'key'), await mounted(bytes), bytes.toString('hex'));
  }
  for (const bytes of readable) assert.notEqual(secretText(holding(bytes), 'key'), null);
  for (const bytes of unread) assert.equal(secretText(holding(bytes), 'key'), null);
  assert.equal(secretText(holding(Buffer.from(`\ufeff${TEXT}`)), 'key'), TEXT);
  assert.equal(valueOf(holding(Buffer.from('\ufeffredis://h:1\r\n')), 'key'), 'redis://h:1');
  assert.equal(readSecret(holding(Buffer.from(TEXT)), 'another'), null);
});
