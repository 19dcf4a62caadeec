import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseClientFrame } from './client-frame.ts';

test('each frame of the contract is read, with or without a ref', () => {
  const frames: [string, string][] = [
    ['{"auth":"a.b.c"}', 'auth'],
    ['{"filter":{"accounts":null,"events":["CHANNEL_ANSWER"]},"ref":"1"}', 'filter'],
    ['{"ack":"AQRlcG9j"}', 'ack'],
    ['{"ack":["id-1","id-2"],"ref":"x"}', 'ack'],
    ['{"nack":"id-1"}', 'nack'],
    ['{"nack":"id-1","delay_ms":500}', 'nack'],
    ['{"progress":"id-1"}', 'progress'],
    ['{"term":"id-1","reason":"no such customer"}', 'term'],
  ];
  for (const [text, kind] of frames) assert.equal(parseClientFrame(text)?.kind, kind, text);
});

test('what is not exactly one known frame is none', () => {
  const hostile = [
    '',
    'null',
    '[]',
    '"auth"',
    '42',
    '{}',
    '{"hello":1}',
    '{"auth":""}',
    '{"auth":1}',
    '{"auth":"a","filter":{"accounts":null,"events":null}}',
    '{"auth":"a","more":1}',
    '{"__proto__":{"auth":"a"}}',
    '{"filter":{}}',
    '{"filter":{"accounts":[],"events":null}}',
    '{"filter":{"accounts":["a/b"],"events":null}}',
    '{"filter":{"accounts":null,"events":null,"calls":[]}}',
    '{"ack":[]}',
    '{"ack":""}',
    '{"ack":{"id":1}}',
    '{"nack":"a","delay_ms":-1}',
    '{"nack":"a","delay_ms":1.5}',
    '{"term":"a","reason":1}',
    '{"auth":"a","ref":7}',
    `{"ack":[${'"a",'.repeat(1_000)}"a"]}`,
    '{"auth":"a"',
  ];
  for (const text of hostile) assert.equal(parseClientFrame(text), null, text.slice(0, 80));
});
