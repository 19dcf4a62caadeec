import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startStage, SUITE_WITH_K6, WITH_K6, type Stage } from './testing/stage.ts';

const SHORT = {
  CONNECTIONS: '20',
  RATE: '20',
  CALLS: '8',
  RAMP: '1s',
  DURATION: '2s',
  JITTER: '2s',
  HANDSHAKE_P99: '30s',
};

/** From the first reconnect on every handshake is refused for a while. */
function refusing(headers: Readonly<Record<string, string>>) {
  let [count, until] = [0, Number.POSITIVE_INFINITY];
  const answer = { status: 503, headers, body: '{"code":"draining"}' };
  return {
    handshake: () => {
      if (++count <= Number(SHORT.CONNECTIONS)) return null;
      if (until === Number.POSITIVE_INFINITY) until = performance.now() + 1_000;
      return performance.now() < until ? answer : null;
    },
  };
}

describe('the spike test', SUITE_WITH_K6, () => {
  let stage: Stage;
  before(async () => {
    stage = await startStage();
  });
  after(() => stage[Symbol.asyncDispose]());

  test('passes: every client comes back twice and nothing is lost', WITH_K6, async () => {
    const { code, output, valueOf } = await stage.run('spike', SHORT);
    assert.equal(code, 0, output);
    assert.equal(valueOf('firehose_reconnects'), 40);
    assert.equal(valueOf('firehose_handshake{spike:rushed}'), 20);
  });

  test('passes where clients are put off and told until when', WITH_K6, async () => {
    const meddling = refusing({ 'Retry-After': '1' });
    const { code, output, valueOf } = await stage.run('spike', SHORT, { meddling });
    assert.equal(code, 0, output);
    assert.ok(valueOf('firehose_handshakes_refused') > 0);
  });

  test('fails with 99 where a 503 does not say when to come back', WITH_K6, async () => {
    const { code, output, broken } = await stage.run('spike', SHORT, { meddling: refusing({}) });
    assert.equal(code, 99, output);
    assert.ok(broken.includes('firehose_5xx_without_retry_after count==0'), broken.join());
  });
});
