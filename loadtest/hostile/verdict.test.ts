import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, p99, type Window } from './verdict.ts';

const window = (ms: number, change: Partial<Window> = {}): Window => ({
  latencies: Array.from({ length: 200 }, () => ms),
  logins: [{ status: 200, ms: 100 }],
  missing: 0,
  ...change,
});

test('the 99th percentile leaves out one value in a hundred', () => {
  assert.equal(p99([]), 0);
  assert.equal(p99(Array.from({ length: 200 }, (_, at) => (at === 0 ? 9_999 : 5))), 5);
  assert.equal(p99(Array.from({ length: 200 }, (_, at) => (at < 4 ? 9_999 : 5))), 9_999);
});

test('a window like the quiet ones has no fault', () => {
  assert.deepEqual(judge([window(1_000), window(900)], window(1_090)).faults, []);
  assert.deepEqual(judge([window(2)], window(10)).faults, []);
});

test('I15: a p99 that moves by more than 10 % is a fault', () => {
  assert.match(judge([window(1_000)], window(1_130)).faults.join(), /event p99 is 1130\.0 ms, 1000\.0 ms when quiet/);
});

test('missing events, no events, refused logins and slow logins are faults, all at once', () => {
  const bad = window(1, { latencies: [], missing: 3, logins: [{ status: 429, ms: 2_500 }] });
  assert.equal(judge([window(1)], bad).faults.length, 4);
  assert.match(judge([window(1)], window(1, { logins: [] })).faults.join(), /finished no login/);
});
