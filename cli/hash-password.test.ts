import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { verify } from '@node-rs/argon2';
import { hashPasswordCommand } from './hash-password.ts';

async function run(typed: string) {
  const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  input.end(typed);
  const code = await hashPasswordCommand({ input, output, errors });
  output.end();
  errors.end();
  return { code, output: await text(output), errors: await text(errors) };
}

test('the first line of a pipe is hashed, and nothing but the hash is printed', async () => {
  const { code, output, errors } = await run('sesame\nmore\n');
  assert.equal(code, 0);
  assert.equal(errors, '');
  assert.ok(await verify(output.trim(), 'sesame'));
});

test('a password needs no line feed at its end', async () => {
  assert.ok(await verify((await run('sesame')).output.trim(), 'sesame'));
});

test('no password and one that is too long are refused', async () => {
  for (const typed of ['', '\n', 'x'.repeat(1_025)]) {
    const { code, output, errors } = await run(typed);
    assert.equal(code, 1);
    assert.equal(output, '');
    assert.match(errors, /^error: a password has 1 to 1024 bytes/);
  }
});
