import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import { givenToken } from './given-token.ts';

test('a mounted token is trimmed, and refused when no request can carry it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-token-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'token');
  const read = async (text: string) => {
    await writeFile(file, text);
    return givenToken(file, 'A_TOKEN_FILE');
  };
  for (const text of ['a-token', 'a-token\r\n', '\ufeff a-token\t']) assert.equal(await read(text), 'a-token');
  for (const text of ['', ' \n', 'a token', 'a\ttoken', 'a\ntoken', 'a\0token', 'tok\u00e9n', 'a\u00a0token']) {
    await assert.rejects(read(text), (error) => {
      assert.ok(error instanceof ConfigurationFault, JSON.stringify(text));
      assert.match(error.message, /^A_TOKEN_FILE: /);
      assert.doesNotMatch(error.message.replaceAll(file, ''), /oken/);
      return true;
    });
  }
});
