import assert from 'node:assert/strict';
import { it } from 'node:test';
import { decodeEntry } from './decode-entry.ts';

const raw = (...fields: string[]) => [Buffer.from('5-1'), fields.map((field) => Buffer.from(field))] as const;

it('finds the two fields in any order and among others', () => {
  const entry = decodeEntry(3, raw('x', 'y', 'd', '{}', 'more', '', 'm', '1\tA\tacc'));
  assert.deepEqual(entry, { partition: 3, id: '5-1', meta: '1\tA\tacc', data: Buffer.from('{}') });
});

it('gives an entry without both fields an empty meta, which makes it poison', () => {
  assert.equal(decodeEntry(0, raw('m', '1\tA\tacc')).meta, '');
  assert.equal(decodeEntry(0, raw('d', '{}')).meta, '');
  assert.equal(decodeEntry(0, raw()).data.length, 0);
});
