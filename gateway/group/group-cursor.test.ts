import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCursor } from '../../protocol/cursor.ts';
import { decodeGroupCursor, encodeGroupCursor } from './group-cursor.ts';

const JOINED = 1_795_000_000_000;

test('a cursor gives the delivery back to the connection that it came from, and to no other', () => {
  const cursor = encodeGroupCursor(JOINED, 70_000);
  assert.equal(decodeGroupCursor(cursor, JOINED), 70_000);
  assert.equal(decodeGroupCursor(cursor, JOINED + 1), null);
});

test('a position in a log is no cursor of a group, and anything else is none', () => {
  assert.equal(decodeGroupCursor(encodeCursor({ epoch: 'abc', ids: [`${JOINED}-1`] }), JOINED), null);
  for (const text of ['', 'x', 'AAAA', '!']) assert.equal(decodeGroupCursor(text, JOINED), null);
});
