import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeCursor, encodeCursor } from './cursor.ts';

const ids = fc
  .tuple(fc.integer({ min: 0, max: 4_102_444_800_000 }), fc.integer({ min: 0, max: 2 ** 40 }))
  .map(([milliseconds, sequence]) => `${milliseconds}-${sequence}`);

test('a cursor gives back the position it was made from', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z2-7]{1,16}$/),
      fc.array(ids, { minLength: 1, maxLength: 64 }),
      (epoch, list) => {
        assert.deepEqual(decodeCursor(encodeCursor({ epoch, ids: list }), list.length), { epoch, ids: list });
      },
    ),
  );
});

test('a cursor of four partitions fits into a close reason', () => {
  const cursor = encodeCursor({
    epoch: 'abcdefghijkl',
    ids: ['1763979370500-12', '1763979370501-0', '1763979371500-3', '1763979370100-0'],
  });
  assert.ok(cursor.length <= 60, cursor);
});

test('what is no cursor of this log is null, whatever it holds', () => {
  assert.equal(decodeCursor(encodeCursor({ epoch: 'a', ids: ['1-0'] }), 2), null);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
      const position = decodeCursor(text, 4);
      assert.ok(position === null || position.ids.length === 4);
    }),
  );
});
