import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseClientFrame } from './client-frame.ts';
import { closeReason } from './close-code.ts';

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
    ['{"snapshot":"calls","ref":"r"}', 'snapshot'],
  ];
  for (const [text, kind] of frames) {
    const parsed = parseClientFrame(text);
    assert.equal(parsed.ok && parsed.frame.kind, kind, text);
  }
});

test('what a filter names twice it names once', () => {
  const parsed = parseClientFrame('{"filter":{"accounts":["b","a","b"],"events":["A","A"]}}');
  assert.deepEqual(parsed.ok && parsed.frame, {
    kind: 'filter',
    filter: { accounts: ['b', 'a'], events: ['A'] },
  });
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
  for (const text of hostile) assert.equal(parseClientFrame(text).ok, false, text.slice(0, 80));
});

test('a fault names the field and what it must be, in words that fit a close reason', () => {
  const faults: [string, string | null, string][] = [
    ['{"auth":"a"', null, 'not JSON'],
    ['[]', null, 'has none of auth, filter, ack, nack, progress, term, snapshot'],
    ['42', null, 'not a JSON object'],
    ['{"auth":1}', 'auth', 'must be a string of 1 to 4096 characters'],
    ['{"auth":"a","ref":""}', 'ref', 'must be a string of 1 to 64 characters'],
    ['{"auth":"a","<b>":1}', null, 'has other keys than auth, ref'],
    ['{"filter":[]}', 'filter', 'must be an object of accounts, events'],
    ['{"filter":{}}', 'filter.accounts', 'must be null, or a list of 1 to 1000 account ids'],
    ['{"filter":{"accounts":null,"events":null,"<b>":1}}', 'filter', 'has other keys than accounts, events'],
    ['{"filter":{"accounts":["a","<b>"],"events":null}}', 'filter.accounts[1]', 'must be 1 to 64 of A-Z a-z 0-9 _ -'],
    ['{"filter":{"accounts":null,"events":[]}}', 'filter.events', 'must be null, or a list of 1 to 100 event names'],
    ['{"ack":{}}', 'ack', 'must be a cursor, or a list of 1 to 1000 event ids'],
    ['{"ack":"<b>"}', 'ack', 'must be a cursor, or a list of 1 to 1000 event ids'],
    ['{"ack":["a",7]}', 'ack[1]', 'must be a string of 1 to 256 characters'],
    ['{"nack":"a","delay_ms":1.5}', 'delay_ms', 'must be 0 to 86400000 milliseconds'],
    ['{"term":"a","reason":1}', 'reason', 'must be a string of 0 to 256 characters'],
  ];
  for (const [text, field, wrong] of faults) {
    const parsed = parseClientFrame(text);
    assert.deepEqual(parsed.ok ? null : parsed.fault, { field, wrong }, text);
    const reason = closeReason('not_a_frame', { f: field, d: wrong });
    assert.deepEqual(JSON.parse(reason), { e: 'not_a_frame', ...(field !== null && { f: field }), d: wrong });
  }
});
