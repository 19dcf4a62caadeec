import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startStage, SUITE_WITH_K6, WITH_K6, type Stage } from './testing/stage.ts';

const SHORT = { CONNECTIONS: '4', RAMP: '500ms', STEP: '1500ms', STEP_PERCENT: '100' };

describe('the breakpoint test', SUITE_WITH_K6, () => {
  let stage: Stage;
  before(async () => {
    stage = await startStage();
  });
  after(() => stage[Symbol.asyncDispose]());

  test('goes on while the rate is held, and prints which was', WITH_K6, async () => {
    const { code, output, valueOf } = await stage.run('breakpoint', {
      ...SHORT,
      RATE: '10',
      MOST_RATE: '40',
      P99: '30s',
    });
    assert.equal(code, 0, output);
    const held = valueOf('firehose_held_events_per_second');
    assert.ok([10, 20, 40].includes(held), String(held));
    assert.match(output, new RegExp(`BREAKPOINT: holds ${held} events/s to 5 connections with p99 < 30000 ms, `));
  });

  test('stops at the first step that is not held, and prints where', WITH_K6, async () => {
    const { output, broken, valueOf } = await stage.run('breakpoint', {
      ...SHORT,
      RATE: '20',
      MOST_RATE: '1000',
      P99: '0ms',
    });
    assert.equal(valueOf('firehose_broke_at_events_per_second'), 20, output);
    assert.deepEqual(broken, ['firehose_held_events_per_second value>0'], 'not even the first was held');
    assert.match(output, /BREAKPOINT: holds 0 events\/s .* breaks at 20 events\/s/);
  });
});
