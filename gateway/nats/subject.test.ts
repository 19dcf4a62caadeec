import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nats } from '../../protocol/subscription/nats.ts';
import { subjectOf } from './subject.ts';

const VALUES = { account: '4a6f', event: 'CHANNEL_ANSWER', call: 'abc@host.example' };

test('a subject has the values of its placeholders, each as one token', () => {
  assert.equal(subjectOf('firehose.{account}.{event}', VALUES), 'firehose.4a6f.CHANNEL_ANSWER');
  assert.equal(subjectOf('calls-{account}.{call}', VALUES), 'calls-4a6f.abc%40host%2Eexample');
  assert.equal(subjectOf('plain', VALUES), 'plain');
  assert.equal(subjectOf('{call}.{event}', { ...VALUES, call: '' }), '-.CHANNEL_ANSWER');
});

test('no value adds a token, a wildcard or a line, and every one can be read back', () => {
  const anything = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(anything, (call) => {
      const [first, token = '', ...rest] = subjectOf('a.{call}', { ...VALUES, call }).split('.');
      assert.deepEqual([first, rest], ['a', []]);
      assert.match(token, /^[\w%-]+$/);
      const isDigest = token.startsWith('sha256-');
      if (!isDigest) assert.equal(decodeURIComponent(token), call.toWellFormed());
    }),
  );
});

test('a long value becomes a digest, another one for each', () => {
  const [one, other] = ['x', 'y'].map((letter) => subjectOf('{call}', { ...VALUES, call: letter.repeat(300) }));
  assert.match(String(one), /^sha256-[\w-]{43}$/);
  assert.notEqual(one, other);
});

test('a placeholder in a value is text', () => {
  assert.equal(subjectOf('{call}.{event}', { ...VALUES, call: '{event}' }), '%7Bevent%7D.CHANNEL_ANSWER');
});

test('templates that make no subject are refused', () => {
  const isTemplate = (subject: string) => nats.safeParse({ servers: ['nats://localhost'], subject }).success;
  const right = ['a', 'a.{event}', 'a-{event}_{call}.b', '{account}.{event}.{call}'];
  const wrong = ['', '.', 'a.', '.a', 'a..b', 'a b', 'a.*', 'a.>', '{Event}', '{user}', '{event', '$JS.{event}', 'é'];
  assert.deepEqual([...right, ...wrong].filter(isTemplate), right);
});
