import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startStage, WITH_K6, type Stage } from './testing/stage.ts';

const SHORT = { CONNECTIONS: '4', RAMP: '500ms', STEP: '1500ms', STEP_PERCENT: '100' };

describe('the breakpoint test', WITH_K6, () => {
  let stage: Stage;
  before(async () => {
    stage = await startStage();
  });
  after(() => stage[Symbol.asyncDispose]());

  test('goes on to the highest rate where nothing breaks, and says so', WITH_K6, async () => {
    const { code, output, valueOf } = await stage.run('breakpoint', {
      ...SHORT,
      RATE: '20',
      MOST_RATE: '40',
      P99: '30s',
    });
    assert.equal(code, 0, output);
    assert.equal(valueOf('firehose_held_events_per_second'), 40);
    assert.match(output, /BREAKPOINT: holds 40 events\/s to 5 connections .* not broken at MOST_RATE=40/);
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
