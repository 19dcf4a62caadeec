import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OPERATOR_METRICS } from './metrics/metric-table.ts';
import { assertMetrics } from '../testing/assert-metrics.ts';
import type { RecordedSpan } from '../testing/otlp-messages.ts';
import { startOtlpReceiver } from '../testing/otlp-receiver.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { sourcesOf } from './testing/sources-platform.ts';
import { startTracedOperator } from './testing/traced-operator.ts';
import { until } from '../testing/until.ts';

const STEPS = ['finalizer', 'references', 'redis', 'gateways', 'secrets', 'objects', 'read back', 'status'];

describe('what the operator tells of itself', () => {
  let platform: Platform;
  before(async () => {
    platform = await startPlatform();
    await platform.secrets(VOICE);
  });
  after(() => platform[Symbol.asyncDispose]());

  test('every metric of the table and no other, and a span a pass, with its steps, and in them each request and each Redis command', async () => {
    await using receiver = await startOtlpReceiver();
    await using operator = await startTracedOperator(platform, {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.http,
      OTEL_BSP_SCHEDULE_DELAY: '50',
    });
    await platform.create('acme');
    await sourcesOf(platform).create('pbx');
    await until('a Deployment', () => platform.get(deploymentPath('acme')));
    const passes = (spans: readonly RecordedSpan[]) =>
      spans.filter(({ name }) => name === 'reconcile FirehoseSubscription');
    await receiver.until((spans) => passes(spans).some((span) => inside(spans, span, 'objects').length > 2));
    await platform.markReady('acme');
    await until('a key', async () => (await platform.status('acme')).signing?.nextRotationTime !== undefined);
    // The status is followed, and its numbers agree.
    await until('the metrics of it', async () => {
      const told = await operator.metrics();
      return ['key_rotation_timestamp_seconds{', 'firehose_source_condition{'].every((name) => told.includes(name));
    });
    const metrics = await operator.metrics();
    operator.process.kill('SIGTERM');
    assert.equal(await operator.process.exitCode, 0);

    assertMetrics(metrics, OPERATOR_METRICS);
    const { spans } = receiver;
    const first = passes(spans).find((span) => inside(spans, span, 'objects').length > 2);
    assert.ok(first !== undefined);
    assert.equal(first.service, 'firehose-operator');
    assert.equal(first.parentSpanId, '');
    assert.equal(first.attributes['firehose.subscription'], 'voice/acme');
    assert.equal(first.attributes['firehose.generation'], 1);
    assert.equal(typeof first.attributes['firehose.queue.wait_ms'], 'number');
    assert.match(String(first.attributes['firehose.outcome']), /gateways are starting|looked at|something is missing/);
    assert.deepEqual(
      childrenOf(spans, first).map(({ name }) => name),
      STEPS,
    );
    const requests = inside(spans, first, 'objects');
    assert.ok(requests.some(({ name, kind }) => name === 'PATCH' && kind === 'client'));
    const commands = inside(spans, first, 'redis').map(({ attributes }) => attributes['db.query.text']);
    assert.ok(
      commands.some((text) => String(text).startsWith('eval')),
      commands.join(),
    );
    // Watches and the lease belong to no pass: they would otherwise continue in the trace of the pass that began them.
    const strays = spans.filter(({ name, parentSpanId }) => parentSpanId === '' && !name.startsWith('reconcile '));
    assert.deepEqual(strays, []);
    for (const secret of ['PRIVATE KEY', 'firehose:{0}:events', platform.redis.url]) {
      assert.ok(!receiver.bodies.some((body) => body.includes(secret)), `${secret} was exported`);
    }
  });
});

function childrenOf(spans: readonly RecordedSpan[], parent: RecordedSpan): RecordedSpan[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent.spanId)
    .toSorted((one, other) => Number(one.start - other.start));
}

/** The spans within a step of a pass. */
function inside(spans: readonly RecordedSpan[], pass: RecordedSpan, step: string): RecordedSpan[] {
  return childrenOf(spans, pass)
    .filter(({ name }) => name === step)
    .flatMap((span) => childrenOf(spans, span));
}
