import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import { ExpectedGaps, ToldGaps } from './expected-gaps.ts';

const GAP = {
  source: 'voice/pbx',
  endpoint: 'fs1',
  reason: 'connection_lost',
  from: 1,
  to: 2,
  legs_ended: 0,
  legs_begun: 0,
} as const;
const notice = (partition: number, n: number) =>
  new SourceGapNotice({ partition, id: `${n}-0`, meta: '', data: Buffer.alloc(0) }, GAP, 'p');

test('S4: what a group has not come to is left when the partition is lost, once', () => {
  const expected = new ExpectedGaps();
  const [one, other, passed] = [notice(0, 1), notice(1, 1), notice(0, 2)];
  for (const gap of [one, other, passed]) assert.equal(expected.add(gap), null);
  expected.passed(notice(0, 2));
  assert.deepEqual(expected.leave(0), [one]);
  assert.deepEqual(expected.leave(0), []);
  assert.deepEqual(expected.leave(1), [other]);
});

test('more than a hundred are told early, the oldest first, and none is lost', () => {
  const expected = new ExpectedGaps();
  const told = Array.from({ length: 150 }, (_, n) => expected.add(notice(0, n))?.id ?? null).filter(
    (id) => id !== null,
  );
  assert.deepEqual(
    told,
    Array.from({ length: 50 }, (_, n) => `${n}-0`),
  );
  assert.equal(expected.leave(0).length, 100);
});

test('a connection is notified of a gap once, and what it remembers is bounded', () => {
  const told = new ToldGaps();
  assert.deepEqual([told.isNew(notice(0, 1)), told.isNew(notice(0, 1)), told.isNew(notice(1, 1))], [true, false, true]);
  for (let n = 0; n < 1_000; n += 1) assert.ok(told.isNew(notice(2, n)));
  assert.ok(told.isNew(notice(0, 1)));
});
