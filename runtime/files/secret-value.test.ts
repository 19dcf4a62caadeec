import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { secretValue, tokenValue } from './secret-value.ts';

test('I17: white space and a byte order mark at the ends are no part of a secret', () => {
  for (const text of ['redis://h:1', 'redis://h:1\n', ' redis://h:1\r\n', '\uFEFFredis://h:1\n\n', '\tredis://h:1 ']) {
    assert.deepEqual(secretValue(text), { value: 'redis://h:1' }, JSON.stringify(text));
  }
});

test('I17: what is empty, or has a control character within, is refused without being repeated', () => {
  for (const text of ['', ' \n', '\uFEFF']) assert.deepEqual(secretValue(text), { fault: 'is empty' });
  for (const text of ['sesame\nopen', 'a\r\nAUTH x', 'a\u0000b', 'a\u0085b', 'a\u2028b', 'a\tb']) {
    const read = secretValue(text);
    assert.ok('fault' in read && !read.fault.includes('sesame'), JSON.stringify(text));
  }
});

test('I17: reading twice is reading once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const read = secretValue(text);
      if ('value' in read) assert.deepEqual(secretValue(read.value), read);
    }),
  );
});

test('I17: a token is what a request can carry, and is refused without being repeated', () => {
  for (const text of ['sesame', ' sesame\r\n', '\uFEFFsesame']) assert.deepEqual(tokenValue(text), { value: 'sesame' });
  for (const text of ['sesame open', 'sésame', 'sesame\u00a0open', 'sesame\u200bopen', 'sesame\nopen', '']) {
    const read = tokenValue(text);
    assert.ok('fault' in read && !read.fault.includes('same'), JSON.stringify(text));
  }
});
