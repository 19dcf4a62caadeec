import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyAt, readPseudonymKeys } from './pseudonym-keys.ts';

const secret = (letter: string) => Buffer.from(letter.repeat(32)).toString('base64');
const FIRST = { id: '1', key: secret('a') };
const SECOND = { id: '2', key: secret('b'), from: '2027-01-01T00:00:00Z' };
const read = (keys: unknown) => readPseudonymKeys(JSON.stringify(keys));

test('each key holds from its time until that of the next one; the first from the beginning', () => {
  const keys = read([FIRST, SECOND]);
  assert.ok(keys.ok);
  const at = Date.parse(SECOND.from);
  assert.deepEqual(
    [0, at - 1, at, at + 1].map((time) => keyAt(keys.keys, time)?.id),
    ['1', '1', '2', '2'],
  );
  // Once the first one is removed, the next one also applies to older events.
  assert.equal(keyAt(keys.keys.slice(1), 0)?.id, '2');
  assert.deepEqual(Buffer.from(keys.keys[0]?.secret ?? []).toString(), 'a'.repeat(32));
});

test('V5: faulty keys are refused by place, and no message repeats anything of them', () => {
  const faults: readonly (readonly [unknown, RegExp])[] = [
    ['not a list', /is not as/],
    [[], /is not as/],
    [[{ ...FIRST, key: `${FIRST.key}!` }], /^\[0\]\.key: is not as/],
    [[{ ...FIRST, secret: 'x' }], /is not as/],
    [[{ id: '1', key: 'c2hvcnQ=' }], /the key 1 is shorter than 32 bytes/],
    [[FIRST, { ...SECOND, id: '1' }], /the same id/],
    [[FIRST, { id: '2', key: SECOND.key }], /the key 2 needs a later time/],
    [[SECOND, { ...SECOND, id: '3' }], /the key 3 needs a later time/],
    [Array.from({ length: 9 }, (_, id) => ({ ...FIRST, id: String(id) })), /1 to 8 of them/],
  ];
  for (const [keys, expected] of faults) {
    const answer = read(keys);
    assert.ok(!answer.ok);
    assert.match(answer.fault, expected);
    for (const hidden of [FIRST.key, SECOND.key, 'c2hvcnQ=']) assert.ok(!answer.fault.includes(hidden.slice(0, 8)));
  }
  assert.equal(readPseudonymKeys('[').ok, false);
});
