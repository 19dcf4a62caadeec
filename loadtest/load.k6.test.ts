import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { doubling, dropping, swapping } from './testing/meddling-proxy.ts';
import { startStage, SUITE_WITH_K6, WITH_K6, type Stage } from './testing/stage.ts';

/** Limits of time are for quiet machines: here the accounting decides. */
const SHORT = {
  CONNECTIONS: '12',
  CONNECTIONS_PER_VU: '6',
  RATE: '40',
  CALLS: '12',
  RAMP: '500ms',
  DURATION: '2s',
  P99: '30s',
};

describe('the load test', SUITE_WITH_K6, () => {
  let stage: Stage;
  before(async () => {
    stage = await startStage();
  });
  after(() => stage[Symbol.asyncDispose]());

  test('passes, and accounts for every event at every connection; no sample carries a token', WITH_K6, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'firehose-samples-'));
    const file = join(folder, 'samples.json');
    const { code, output, result, valueOf } = await stage.run('load', SHORT, { args: ['--out', `json=${file}`] });
    const samples = await readFile(file, 'utf8');
    await rm(folder, { recursive: true });
    assert.equal(code, 0, output);
    assert.equal(result.metrics['firehose_books']?.['passes'], 12);
    // The last cycles alone are six events of each of twelve calls.
    assert.ok(valueOf('firehose_published') >= 72);
    assert.ok(valueOf('firehose_received') > 5 * valueOf('firehose_published'));
    assert.ok(valueOf('firehose_latency') > 0);
    assert.ok(samples.includes('"ws_sessions"') && !samples.includes('eyJ'), 'a token is in the samples');
    const names = new Set([...samples.matchAll(/"name":"([^"]+)"/g)].map(([, name]) => name ?? ''));
    assert.deepEqual(
      [...names].filter((name) => !/^[a-z0-9_]+$/.test(name)),
      [],
    );
  });

  for (const [name, meddling, metric] of [
    ['loses', dropping(50), 'firehose_lost count==0'],
    ['doubles', doubling(50), 'firehose_doubled count==0'],
    ['inverts', swapping(50), 'firehose_inverted count==0'],
  ] as const) {
    test(`fails with 99 where the gateway ${name} one event in fifty`, WITH_K6, async () => {
      const { code, output, broken } = await stage.run('load', { ...SHORT, DRAIN: '3s' }, { meddling });
      assert.equal(code, 99, output);
      assert.ok(broken.includes(metric), broken.join());
    });
  }

  test('fails where nobody publishes', WITH_K6, async () => {
    const { code, output, broken } = await stage.run('load', { ...SHORT, RATE: '0', DURATION: '0s', DRAIN: '1s' });
    assert.equal(code, 99, output);
    assert.ok(broken.includes('firehose_received count>0'), broken.join());
  });

  test('of two load generators one publishes and both account for it', WITH_K6, async () => {
    const shared = { ...SHORT, CONNECTIONS: '4', RUN: 'two' };
    const both = await Promise.all([stage.run('load', shared), stage.run('load', { ...shared, RATE: '0' })]);
    for (const { code, output } of both) assert.equal(code, 0, output);
    assert.equal(both[1].valueOf('firehose_published'), 0);
    assert.ok(both[1].valueOf('firehose_received') > 0);
  });
});
