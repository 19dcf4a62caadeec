import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeUnsealed } from './testing/unsealed.ts';
import { decodeUnsealed } from './unsealed-cursor.ts';

const ids = fc
  .tuple(fc.integer({ min: 0, max: 4_102_444_800_000 }), fc.integer({ min: 0, max: 2 ** 40 }))
  .map(([milliseconds, sequence]) => `${milliseconds}-${sequence}`);

test('a cursor gives back the position it was made from', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z2-7]{1,16}$/),
      fc.array(ids, { minLength: 1, maxLength: 64 }),
      (epoch, list) => {
        assert.deepEqual(decodeUnsealed(encodeUnsealed({ epoch, ids: list }), list.length), { epoch, ids: list });
      },
    ),
  );
});

test('a cursor that version 0.1 gave out is read', () => {
  assert.deepEqual(decodeUnsealed('AQxhYmNkZWZnaGlqa2yIgOnV1mYMAgCJgOnV1mYA6Pno1dZmAw', 4), {
    epoch: 'abcdefghijkl',
    ids: ['1763979370500-12', '1763979370501-0', '0-0', '1763979370100-3'],
  });
});

test('what is no cursor of this log is null, whatever it holds', () => {
  assert.equal(decodeUnsealed(encodeUnsealed({ epoch: 'a', ids: ['1-0'] }), 2), null);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
      const position = decodeUnsealed(text, 4);
      assert.ok(position === null || position.ids.length === 4);
    }),
  );
});
