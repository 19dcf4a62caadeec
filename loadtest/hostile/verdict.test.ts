import assert from 'node:assert/strict';
import { test } from 'node:test';
import { p99 } from '../../testing/compare-p99.ts';
import { judge, type Round, type Window } from './verdict.ts';

const window = (ms: number, change: Partial<Window> = {}): Window => ({
  latencies: Array.from({ length: 200 }, () => ms),
  logins: [{ status: 200, ms: 100 }],
  missing: 0,
  ...change,
});

const round = (quiet: number, beside: number, attacked: number, change: Partial<Window> = {}): Round => ({
  quiet: window(quiet),
  beside: window(beside),
  attacked: window(attacked, change),
});

test('the 99th percentile leaves out one value in a hundred', () => {
  assert.equal(p99([]), 0);
  assert.equal(p99(Array.from({ length: 200 }, (_, at) => (at === 0 ? 9_999 : 5))), 5);
  assert.equal(p99(Array.from({ length: 200 }, (_, at) => (at < 4 ? 9_999 : 5))), 9_999);
});

test('an attack that moves nothing has no fault', () => {
  const { slow, broken } = judge([round(1_000, 1_000, 1_090), round(900, 1_000, 1_090)]);
  assert.deepEqual([slow, broken], [[], []]);
  assert.deepEqual(judge([round(2, 2, 6)]).slow, []);
});

test('I15: a p99 that moves by more than 10 % is a fault', () => {
  const { slow } = judge([round(1_000, 1_000, 1_130)]);
  assert.match(slow.join(), /event p99 is 1130\.0 ms, 1000\.0 ms beside a decoy, 1000\.0 ms when quiet/);
});

test('what the attack costs the machine is not the fault of the gateway', () => {
  assert.deepEqual(judge([round(3, 80, 85)]).slow, []);
  assert.equal(judge([round(3, 80, 95)]).slow.length, 1);
});

test('one busy window of several decides nothing', () => {
  assert.deepEqual(judge([round(3, 3, 500), round(3, 4, 5), round(3, 3, 5)]).slow, []);
  assert.equal(judge([round(3, 3, 500), round(3, 400, 500), round(3, 3, 5)]).slow.length, 1);
});

test('on a shared machine the best attacked window counts, and a bound that holds in none is a fault', () => {
  const busy = [round(3, 3, 500), round(3, 400, 500), round(3, 3, 5)];
  assert.deepEqual(judge(busy, { isShared: true }).slow, []);
  // Far beyond both; otherwise it may be the machine.
  assert.deepEqual(judge([round(3, 3, 18), round(3, 90, 32)], { isShared: true }).slow, []);
  assert.deepEqual(judge([round(60, 100, 150)], { isShared: true }).slow, []);
  assert.equal(judge([round(3, 3, 60), round(3, 90, 19)], { isShared: true }).slow.length, 1);
  assert.equal(judge([round(60, 100, 151)], { isShared: true }).slow.length, 1);
});

test('missing events, no events, refused logins and slow logins are faults in any round, all at once', () => {
  const bad = round(1, 1, 1, { latencies: [], missing: 3, logins: [{ status: 429, ms: 2_500 }] });
  assert.equal(judge([round(1, 1, 1), bad]).broken.length, 4);
  assert.match(judge([round(1, 1, 1, { logins: [] })]).broken.join(), /finished no login/);
});
