import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseClientFrame } from '../../protocol/client-frame.ts';
import { cursors, openCursor } from '../testing/cursors.ts';
import { decodeGroupCursor, encodeGroupCursor } from './group-cursor.ts';

const JOINED = 1_795_000_000_000;

test('a cursor gives the delivery back to the connection that it came from, and to no other', () => {
  const cursor = encodeGroupCursor(JOINED, 70_000);
  assert.equal(decodeGroupCursor(cursor, JOINED), 70_000);
  assert.equal(decodeGroupCursor(cursor, JOINED + 1), null);
  assert.ok(parseClientFrame(JSON.stringify({ ack: cursor })).ok);
});

test('a position in a log is no cursor of a group, nor the other way round', () => {
  assert.equal(decodeGroupCursor(cursors.seal({ epoch: 'abc', ids: [`${JOINED}-1`] }), JOINED), null);
  for (const partitions of [1, 2, 4, 64])
    for (const delivery of [0, 1, 36, 70_000])
      assert.equal(openCursor(encodeGroupCursor(JOINED, delivery), partitions), null);
  for (const text of ['', 'x', 'AAAA', '!', 'g--', 'g-1-']) assert.equal(decodeGroupCursor(text, JOINED), null);
});
