import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { doubling, resumingTooLate } from './testing/meddling-proxy.ts';
import { startStage, SUITE_WITH_K6, WITH_K6, type Stage } from './testing/stage.ts';

const SHORT = {
  CONNECTIONS: '8',
  CONNECTIONS_PER_VU: '4',
  RATE: '40',
  CALLS: '12',
  RAMP: '500ms',
  DURATION: '4s',
  CUT_AFTER: '20',
};

describe('the resume test', SUITE_WITH_K6, () => {
  let stage: Stage;
  before(async () => {
    stage = await startStage();
  });
  after(() => stage[Symbol.asyncDispose]());

  test('passes: connections are cut again and again, and nothing is lost or repeated', WITH_K6, async () => {
    const { code, output, valueOf } = await stage.run('resume', SHORT);
    assert.equal(code, 0, output);
    assert.ok(valueOf('firehose_reconnects') > 8);
    assert.equal(valueOf('firehose_repeated_at_seam'), 0);
  });

  test('fails with 99 where a resume begins one event too late', WITH_K6, async () => {
    const { code, output, broken } = await stage.run(
      'resume',
      { ...SHORT, DRAIN: '3s' },
      { meddling: resumingTooLate },
    );
    assert.equal(code, 99, output);
    assert.ok(broken.includes('firehose_lost count==0'), broken.join());
  });

  test('fails with 99 where something comes twice beyond the seam', WITH_K6, async () => {
    // Often enough for a connection that is cut after twenty messages.
    const { code, output, broken } = await stage.run('resume', SHORT, { meddling: doubling(5) });
    assert.equal(code, 99, output);
    assert.deepEqual(broken, ['firehose_doubled count==0']);
  });
});
