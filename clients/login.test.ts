import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { LOGIN_KEYS } from '../protocol/login-body.ts';

const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');

test('each client has an option for every key of a login', async () => {
  const typescript = await read('typescript/src/options.ts');
  const python =
    (await read('python/src/firehose_client/_tokens.py')) + (await read('python/src/firehose_client/_client.py'));
  for (const key of Object.keys(LOGIN_KEYS)) {
    assert.match(typescript, new RegExp(`^ {2}readonly ${key}\\??: `, 'm'), `TypeScript: ${key}`);
    assert.match(python, new RegExp(`^ +${key}: `, 'm'), `Python: ${key}`);
  }
});
