import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ranBetween, type SiblingReport } from './reports.ts';

const wrote = (at: number) =>
  [{ replica: 'a', report: { at, state: 'Live', leading: true } }] as unknown as readonly SiblingReport[];
const ran = (at: number, startedAt: number) => ranBetween(wrote(at), { from: 20_000, startedAt, turnMs: 1_500 });

test('a leader that dies within a turn of the start of the next one did run: the gap is none of `not_started`', () => {
  assert.equal(ran(20_000, 21_000), true);
  assert.equal(ran(20_000, 22_900), true);
});

test('a replica that was gone before the next one started did not run', () => {
  assert.equal(ran(20_000, 24_000), false);
  assert.equal(ran(20_000, 900_000), false);
});

test('a replica that wrote reports although it did not listen did run', () => {
  assert.equal(ran(30_000, 900_000), true);
});
