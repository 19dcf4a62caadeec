import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startStage, SUITE_WITH_K6, WITH_K6, type Stage } from './testing/stage.ts';
import { doubling, dropping, swapping } from './testing/meddling-proxy.ts';

const SHORT = { DRAIN: '3s' };

describe('the smoke test', SUITE_WITH_K6, () => {
  let stage: Stage;
  before(async () => {
    stage = await startStage();
  });
  after(() => stage[Symbol.asyncDispose]());

  test('passes: each kind of event comes, and nothing of a token is in its output', WITH_K6, async () => {
    const { code, output, result, valueOf } = await stage.run('smoke', {});
    assert.equal(code, 0, output);
    assert.equal(valueOf('firehose_received'), valueOf('firehose_published'));
    assert.equal(result.passed, true);
    assert.ok(!output.includes('eyJ') && !JSON.stringify(result).includes('adminpassword'));
  });

  for (const [name, meddling, metric] of [
    ['loses', dropping(10), 'firehose_lost count==0'],
    ['doubles', doubling(10), 'firehose_doubled count==0'],
    ['swaps', swapping(10), 'firehose_inverted count==0'],
  ] as const) {
    test(`fails with 99 where the gateway ${name} events`, WITH_K6, async () => {
      const { code, output, broken } = await stage.run('smoke', SHORT, { meddling });
      assert.equal(code, 99, output);
      assert.ok(broken.includes(metric), broken.join());
    });
  }

  test('fails where nothing is published, and says what is missing', WITH_K6, async () => {
    const { code, output } = await stage.run('smoke', { ...SHORT, FIREHOSE_INGEST_TOKEN: '' });
    assert.equal(code, 99, output);
    assert.match(output, /FIREHOSE_INGEST_TOKEN is missing/);
  });

  test('runs over TLS, with the authority that the gateway made', WITH_K6, async () => {
    await using secure = await startStage({ tls: true });
    const { code, output } = await secure.run('smoke', {});
    assert.equal(code, 0, output);
  });
});
