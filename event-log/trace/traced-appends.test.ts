import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { EventLog } from '../event-log.ts';
import { traceAppends } from './traced-appends.ts';

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
trace.setGlobalTracerProvider(provider);
after(() => provider.shutdown());

async function spanOf(append: EventLog['append']) {
  exporter.reset();
  const eventLog = traceAppends({ append }, { destination: 'firehose:{p}:events', system: 'redis' });
  const came = await eventLog.append([]).catch((error: unknown) => error);
  const [span] = exporter.getFinishedSpans();
  return { came, status: span?.status, type: span?.attributes['error.type'] };
}

test('an append that throws ends its span as an error, with its code and none of its words', async () => {
  const error = Object.assign(new Error('canary'), { code: 'NOPERM' });
  assert.deepEqual(await spanOf(() => Promise.reject(error)), {
    came: error,
    status: { code: SpanStatusCode.ERROR },
    type: 'NOPERM',
  });
});

test('an append of which an event failed is an error, one of duplicates is none', async () => {
  const failed = await spanOf(async () => [{ outcome: 'failed', code: 'LOADING' }]);
  assert.deepEqual([failed.status?.code, failed.type], [SpanStatusCode.ERROR, 'LOADING']);
  const kept = await spanOf(async () => [{ outcome: 'duplicate', partition: 0, id: '1-0' }]);
  assert.deepEqual([kept.status?.code, kept.type], [SpanStatusCode.UNSET, undefined]);
});
