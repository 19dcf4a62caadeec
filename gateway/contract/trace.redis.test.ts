import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { SpanKind, trace as traceApi, ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { startOtlpReceiver, type OtlpReceiver } from '../../testing/otlp-receiver.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { spanTree } from '../../testing/span-tree.ts';
import { closed, TracedGateway } from '../testing/traced-gateway.ts';
import { until } from '../../testing/until.ts';

const LIMIT = { timeout: 120_000 };
const CALL = 'canary-call-Wren5';
let redis: RedisServer;
let receiver: OtlpReceiver;

before(async () => {
  [redis, receiver] = await Promise.all([startRedis(), startOtlpReceiver()]);
});
after(async () => {
  await receiver[Symbol.asyncDispose]();
  await redis.stop();
});

/**
 * Spans are exported at once. Requests without a trace are not sampled: everything that arrives belongs to a producer's
 * trace.
 */
const environment = () => ({
  REDIS_URL: redis.url,
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.http,
  OTEL_BSP_SCHEDULE_DELAY: '20',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_TRACES_SAMPLER: 'parentbased_always_off',
});

describe('one trace follows an event', () => {
  test('from its producer to the sockets and to its acknowledgement', LIMIT, async () => {
    await using gateway = await TracedGateway.start(environment());
    const token = await gateway.login();
    const live = await gateway.connect(`token=${token}`);
    const member = await gateway.connect(`token=${token}&v=1&group=default`);
    const consumer = new Acknowledging(member);
    await consumer.isServed();
    await using producer = startProducer(receiver.http);
    const call = producer.tracer.startSpan(`call`, {}, ROOT_CONTEXT);
    const inCall = traceApi.setSpan(ROOT_CONTEXT, call);
    for (const name of ['CHANNEL_CREATE', 'CHANNEL_DESTROY']) {
      await producer.publish(gateway, name, inCall);
      await consumer.acknowledged(name);
    }
    call.end();
    const { traceId } = call.spanContext();
    const settled = () => receiver.spans.filter((span) => span.traceId === traceId && span.name.startsWith('settle'));
    await receiver.until(() => settled().length === 2);
    await receiver.until(() => receiver.spans.some((span) => span.traceId === traceId && span.name === 'call'));
    await Promise.all([closed(live), closed(member)]);
    assert.equal(await gateway.stop(), 0);

    const tree = spanTree(receiver.spans, traceId);
    assert.equal(tree, await documentedTree());
    for (const body of receiver.bodies) assert.ok(!body.includes(CALL), 'the call is in a span');
  });

  test(
    'an event without a trace belongs to that of its ingest, and of many only some are recorded',
    LIMIT,
    async () => {
      await using gateway = await TracedGateway.start({ ...environment(), OTEL_TRACES_SAMPLER: 'always_on' });
      const socket = await gateway.connect(`token=${await gateway.login()}&meta=1`);
      const before = receiver.spans.length;
      const all = collect(socket, 2_000);
      const events = Array.from({ length: 2_000 }, (_, n) => ({ ...eventOf('DTMF'), 'Call-ID': `call-${n % 50}`, n }));
      const answer = await gateway.ingest(events);
      assert.equal(answer.status, 200);
      const delivered = await all;
      await closed(socket);
      assert.equal(await gateway.stop(), 0);
      const spans = receiver.spans.slice(before);
      const sent = spans.filter(({ name }) => name.startsWith('send '));
      assert.equal(sent.length, 1);
      const own = `00-${sent[0]?.traceId}-${sent[0]?.spanId}-01`;
      for (const { _firehose } of delivered) assert.equal(_firehose.traceparent, own);
      const deliveries = spans.filter(({ name }) => name.startsWith('deliver '));
      // 100 in each second that the machine took for it.
      assert.ok(deliveries.length >= 100 && deliveries.length < 1_000, `${deliveries.length}`);
      for (const { traceId, links } of deliveries) {
        assert.equal(traceId, sent[0]?.traceId);
        assert.deepEqual(
          links.map(({ spanId }) => spanId),
          [sent[0]?.spanId],
        );
      }
    },
  );
});

const eventOf = (name: string) => ({ 'Event-Name': name, 'Call-ID': CALL, 'Account-ID': 'account_id_1' });

/** Number of events of a connection that gets their meta. */
function collect(socket: WebSocket, count: number): Promise<{ _firehose: { traceparent: string } }[]> {
  const events: { _firehose: { traceparent: string } }[] = [];
  return new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      events.push(JSON.parse(String(data)) as { _firehose: { traceparent: string } });
      if (events.length === count) resolve(events);
    };
  });
}

/** The trace in docs/operate.md. */
async function documentedTree(): Promise<string> {
  const page = await readFile(new URL('../../docs/operate.md', import.meta.url), 'utf8');
  return /```text\n(call \[internal\]\n[^`]*)```/.exec(page)?.[1] ?? '';
}

/** A producer with an SDK of its own. */
function startProducer(endpoint: string) {
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces` });
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = provider.getTracer('producer');
  return {
    tracer,
    async publish(gateway: TracedGateway, name: string, parent: Context): Promise<void> {
      const span = tracer.startSpan(`publish ${name}`, { kind: SpanKind.PRODUCER }, parent);
      const { traceId, spanId } = span.spanContext();
      const answer = await gateway.ingest(eventOf(name), { traceparent: `00-${traceId}-${spanId}-01` });
      assert.equal(answer.status, 200);
      span.end();
    },
    [Symbol.asyncDispose]: () => provider.shutdown(),
  };
}

/** A member of the default group that acknowledges everything. */
class Acknowledging {
  readonly #names = new Set<string>();
  #isServed = false;

  constructor(socket: WebSocket) {
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as {
        hello?: { standby: boolean };
        'Event-Name'?: string;
        _firehose?: { id: string };
      };
      if (frame['Event-Name'] !== undefined) {
        socket.send(JSON.stringify({ ack: [frame._firehose?.id] }));
        this.#names.add(frame['Event-Name']);
      }
      this.#isServed ||= JSON.stringify(frame).includes('"standby":false');
    };
  }

  isServed(): Promise<true> {
    return until('the member served', () => this.#isServed);
  }

  acknowledged(name: string): Promise<true> {
    return until(`the acknowledgement of ${name}`, () => this.#names.has(name));
  }
}
