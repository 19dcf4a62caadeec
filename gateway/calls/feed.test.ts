import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { Feed, type LogPoint } from './feed.ts';

const point = (at: number, epoch = 'first'): LogPoint => ({ epoch, id: `${at}-0` });
/** One entry at each of these places, of ten bytes. */
const entries = (...at: readonly number[]): StoredEntry[] =>
  at.map((one) => ({ partition: 0, id: `${one}-0`, meta: '', data: Buffer.alloc(10) }));
const idsOf = (feed: Feed, at: LogPoint, count = 100) => feed.after(at, count)?.map(({ id }) => Number.parseInt(id));

test('gives the entries after a table, as many as are wanted, until the table has them', () => {
  const feed = new Feed(1_000);
  feed.offer(entries(2, 3), point(1));
  feed.offer(entries(4, 5), point(3));
  assert.deepEqual(idsOf(feed, point(1), 3), [2, 3, 4]);
  assert.deepEqual(idsOf(feed, point(1), 3), [2, 3, 4], 'a step may have failed');
  assert.deepEqual(idsOf(feed, point(4)), [5]);
  assert.equal(feed.leadsTo(point(4)), false);
  assert.equal(idsOf(feed, point(5)), undefined);
  assert.equal(feed.leadsTo(point(5)), true);
  feed.offer(entries(6), point(5));
  assert.deepEqual(idsOf(feed, point(5)), [6]);
});

test('gives nothing to a table that lacks entries before its first one', () => {
  const feed = new Feed(1_000);
  feed.offer(entries(8), point(7));
  assert.equal(idsOf(feed, point(6)), undefined);
  assert.deepEqual(idsOf(feed, point(7)), [8]);
  assert.equal(idsOf(feed, point(6)), undefined, 'what was given is forgotten');
});

test('gives the rest to a table that another keeper has moved on', () => {
  const feed = new Feed(1_000);
  feed.offer(entries(2, 3, 4), point(1));
  assert.deepEqual(idsOf(feed, point(3)), [4]);
  assert.equal(idsOf(feed, point(9)), undefined);
  assert.equal(feed.leadsTo(point(9)), true, 'the reader is behind the table');
  feed.offer(entries(8, 9, 10), point(4));
  assert.deepEqual(idsOf(feed, point(9)), [10]);
});

test('begins anew where the reader has left a gap, and in another epoch', () => {
  const feed = new Feed(1_000);
  feed.offer(entries(2), point(1));
  feed.offer(entries(6), point(5));
  assert.equal(idsOf(feed, point(1)), undefined);
  assert.deepEqual(idsOf(feed, point(5)), [6]);
  feed.offer(entries(8), point(6, 'second'));
  assert.equal(idsOf(feed, point(6)), undefined);
  assert.equal(feed.leadsTo(point(8)), false, 'of another epoch');
  assert.equal(feed.leadsTo(point(7, 'second')), false);
  assert.deepEqual(idsOf(feed, point(6, 'second')), [8]);
});

test('holds no more bytes than it may, and goes on after what it has forgotten', () => {
  const feed = new Feed(35);
  feed.offer(entries(2, 3, 4), point(1));
  assert.deepEqual(idsOf(feed, point(2)), [3, 4], 'what the table has does not count');
  feed.offer(entries(5), point(4));
  assert.deepEqual(idsOf(feed, point(2)), [3, 4, 5]);
  feed.offer(entries(6), point(5));
  assert.equal(idsOf(feed, point(2)), undefined);
  feed.offer(entries(7), point(6));
  assert.equal(idsOf(feed, point(5)), undefined);
  assert.deepEqual(idsOf(feed, point(6)), [7]);
});
