import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_ENTRY_BYTES, MAX_EVENT_DEPTH } from '../protocol/event-object.ts';
import { anyObjectText } from './intake/testing/any-json.ts';
import { parsedEvent, poisonReason } from './poison.ts';

const META = '1\tDTMF\tacme\tleg\tid\t\t';

/** An entry is parsed where it is no poison, and nowhere else. */
function agrees(data: Buffer, meta = META): void {
  const entry = { partition: 0, id: '1-0', meta, data };
  assert.equal(parsedEvent(entry) === null, poisonReason(entry) !== null, data.toString().slice(0, 200));
}

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  ' ',
  '"_firehose"',
  '"\\u005ffirehose"',
  '"a"',
  '1',
  'null',
  '\ufeff',
];
const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => `{${pieces.join('')}}`);

test('an event is parsed exactly where a scan finds no fault, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.oneof(anyObjectText, soup), (text) => agrees(Buffer.from(text))),
    { numRuns: 2_000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => agrees(Buffer.from(bytes))));
});

test('a parsed event has what its text says', () => {
  const entry = {
    partition: 0,
    id: '1-0',
    meta: META,
    data: Buffer.from(' {"From":"1001","n":1.50,"of":{"a":[null]}}\n'),
  };
  assert.deepEqual(parsedEvent(entry), { From: '1001', n: 1.5, of: { a: [null] } });
});

test('what is nested too deep, too large, not UTF-8 or without a meta line is not parsed', () => {
  const nested = (depth: number) => Buffer.from(`{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`);
  for (const depth of [1, 2, MAX_EVENT_DEPTH, MAX_EVENT_DEPTH + 1, 100_000]) agrees(nested(depth));
  for (const bytes of [MAX_ENTRY_BYTES, MAX_ENTRY_BYTES + 1]) agrees(Buffer.from('{}'.padEnd(bytes)));
  agrees(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
  for (const meta of ['', '1', '1\t', '1\t\tx', '2\tDTMF', 'x']) agrees(Buffer.from('{}'), meta);
});
