import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holds, judge, median, TARGETS } from './ratios.ts';

test('the median of an even number of rounds is one that was measured, and the worse of two', () => {
  assert.equal(median([3, 1, 2], 'higher'), 2);
  assert.equal(median([4, 1, 3, 2], 'higher'), 2);
  assert.equal(median([4, 1, 3, 2], 'lower'), 3);
});

test('a ratio that is to be high is judged by its median against floor and goal', () => {
  assert.equal(judge(TARGETS.P1, [0.1, 0.61, 0.62]).verdict, 'goal');
  assert.equal(judge(TARGETS.P1, [0.41, 0.41, 0.9]).verdict, 'floor');
  assert.equal(judge(TARGETS.P1, [0.39]).verdict, 'missed');
});

test('a ratio that is to be low is judged the other way round, and its limits belong to it', () => {
  assert.equal(judge(TARGETS.P7batch, [1.2]).verdict, 'goal');
  assert.equal(judge(TARGETS.P7batch, [1.3]).verdict, 'floor');
  assert.equal(judge(TARGETS.P7batch, [1.31]).verdict, 'missed');
});

test('a latency of a step that did not keep up misses the floor', () => {
  assert.equal(judge(TARGETS.P11few, [Number.POSITIVE_INFINITY]).verdict, 'missed');
});

test('what was never measured is neither met nor missed', () => {
  assert.equal(judge(TARGETS.P1, []).verdict, 'unmeasured');
  assert.equal(judge(TARGETS.P7batch, [Number.NaN, Number.NaN]).verdict, 'unmeasured');
});

test('a disturbed round is left out, and the number of those that count is told', () => {
  const { value, verdict, counted, rounds } = judge(TARGETS.P1, [Number.NaN, 0.5, 0.5]);
  assert.deepEqual({ value, verdict, counted, rounds }, { value: 0.5, verdict: 'floor', counted: 2, rounds: 3 });
});

test('a ratio without limits is told, and neither met nor missed', () => {
  assert.equal(judge(TARGETS.centrifugo, [20]).verdict, 'told');
  assert.equal(judge(TARGETS.centrifugo, []).verdict, 'unmeasured');
});

test('against a peer the floor is a share of what the C floor reaches, where that is less than the target', () => {
  const near = judge(TARGETS.P6, [30, 31, 32], [49, 50, Number.NaN, 51]);
  assert.deepEqual([near.yardstick, near.floor, near.goal, near.verdict], [50, 30, 37.5, 'floor']);
  assert.equal(judge(TARGETS.P6, [29], [50]).verdict, 'missed');
  assert.equal(judge(TARGETS.P6, [38], [50]).verdict, 'goal');
  const far = judge(TARGETS.P6, [39], [200]);
  assert.deepEqual([far.floor, far.goal, far.verdict], [40, 75, 'missed']);
  assert.equal(judge(TARGETS.P6, [39]).verdict, 'missed');
  assert.ok(holds(near, 1) && !holds(far, 1));
  const low = judge(TARGETS.P27, [0.7], [0.6]);
  assert.deepEqual([low.floor?.toFixed(2), low.goal?.toFixed(2), low.verdict], ['0.75', '0.63', 'floor']);
  assert.equal(judge(TARGETS.P27, [0.5], [0.2]).floor, 0.6);
  // The yardstick of these is printed and changes no limit.
  const [many, tls] = [judge(TARGETS.P8, [1.32], [1.45]), judge(TARGETS.P13, [0.25], [0.22])];
  assert.deepEqual([many.yardstick, many.floor, many.verdict], [1.45, 1.3, 'missed']);
  assert.deepEqual([tls.yardstick, tls.floor, tls.verdict], [0.22, 0.28, 'missed']);
});

test('a run fails at the floor, or with slack only when a figure is so many times worse', () => {
  for (const [target, bad, worse] of [
    [TARGETS.P1, 0.3, 0.15],
    [TARGETS.P7batch, 1.6, 3],
  ] as const) {
    const [poor, terrible] = [judge(target, [bad]), judge(target, [worse])];
    assert.deepEqual(
      [poor, terrible].map((ratio) => holds(ratio, 1)),
      [false, false],
    );
    assert.deepEqual(
      [poor, terrible].map((ratio) => holds(ratio, 2)),
      [true, false],
    );
  }
  const unmeasured = judge(TARGETS.P1, [Number.NaN]);
  assert.deepEqual([holds(unmeasured, 1), holds(unmeasured, 2)], [false, true]);
  assert.equal(holds(judge(TARGETS.centrifugo, [1]), 1), true);
  assert.equal(holds(judge(TARGETS.P11few, [Number.POSITIVE_INFINITY]), 2), false);
});
