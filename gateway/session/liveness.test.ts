import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAMES_A_MINUTE, fullAllowance, takeFrame } from './client-frames.ts';
import { DEAD_AFTER_MS, judgeLiveness, PING_EVERY_MS, Uptake } from './liveness.ts';

const fresh = { lastSignOfLife: 0, lastPing: 0, sessionEndsAt: 3_600_000 };
const at = (steady: number, wall = steady) => ({ steady, wall });

test('a quiet connection is pinged every 25 s and given up after 60 s without any sign of life', () => {
  assert.equal(judgeLiveness(fresh, at(PING_EVERY_MS - 1)), 'fine');
  assert.equal(judgeLiveness(fresh, at(PING_EVERY_MS)), 'ping');
  assert.equal(judgeLiveness({ ...fresh, lastPing: PING_EVERY_MS }, at(PING_EVERY_MS + 1)), 'fine');
  assert.equal(judgeLiveness({ ...fresh, lastPing: 50_000 }, at(DEAD_AFTER_MS - 1)), 'fine');
  assert.equal(judgeLiveness({ ...fresh, lastPing: 50_000 }, at(DEAD_AFTER_MS)), 'no_traffic');
});

test('what is received keeps a connection alive', () => {
  assert.equal(judgeLiveness({ ...fresh, lastPing: 50_000, lastSignOfLife: 40_000 }, at(70_000)), 'fine');
});

test('the end of the session comes first', () => {
  assert.equal(judgeLiveness({ ...fresh, sessionEndsAt: DEAD_AFTER_MS }, at(DEAD_AFTER_MS)), 'token_expired');
});

test('a step of the wall clock, in either direction, makes nobody look dead and holds no ping up', () => {
  assert.equal(judgeLiveness(fresh, at(1_000, 3_000_000)), 'fine');
  assert.equal(judgeLiveness(fresh, at(PING_EVERY_MS, -3_600_000)), 'ping');
});

test('120 frames a minute are taken, however they are spread', () => {
  const burst = fullAllowance(0);
  const taken = Array.from({ length: 200 }, () => takeFrame(burst, 0)).filter(Boolean).length;
  assert.equal(taken, FRAMES_A_MINUTE);
  assert.equal(takeFrame(burst, 499), false);
  assert.equal(takeFrame(burst, 999), true);
  const steady = fullAllowance(0);
  for (let at = 0; at < 1_000; at += 1) assert.ok(takeFrame(steady, at * 500));
});

test('a clock that steps back takes nothing away and gives nothing', () => {
  const allowance = fullAllowance(60_000);
  assert.ok(takeFrame(allowance, 0));
  assert.equal(Math.floor(allowance.tokens), FRAMES_A_MINUTE - 1);
});

test('a peer that only listens is judged by what its kernel takes, and hears something in a silence', () => {
  const uptake = new Uptake(0);
  const judge = (bytesWritten: number, writableLength: number, now: number) =>
    uptake.judge({ bytesWritten, writableLength }, now);
  assert.equal(judge(100, 0, 1_000), 'fine');
  assert.equal(judge(100, 0, 15_999), 'fine');
  assert.equal(judge(100, 0, 16_000), 'silent');
  assert.equal(judge(102, 0, 17_000), 'fine');
  // A peer with a backlog that moves is alive, however long the backlog is.
  assert.equal(judge(9_000_000, 5_000_000, 20_000), 'fine');
  assert.equal(judge(9_000_000, 4_999_999, 70_000), 'silent');
  assert.equal(judge(9_000_002, 5_000_001, 129_000), 'fine');
  assert.equal(judge(9_000_002, 5_000_001, 130_000), 'stuck');
  assert.equal(judge(9_000_002, 0, 131_000), 'fine');
});
