import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { INGEST_PATH, LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../../testing/otlp-receiver.ts';
import { until } from '../../testing/until.ts';
import { nextMessage, TracedGateway } from '../testing/traced-gateway.ts';

const EVENT = {
  'Event-Name': 'CHANNEL_CREATE',
  'Call-ID': 'canary-call-Wren5',
  'Custom-Channel-Vars': { 'Account-ID': 'account_id_1' },
};
const WRONG_PASSWORD = 'canary-wrong-Kea9Wren';
/** Nothing is exported during the run: everything that arrives was flushed at the end. */
const LAZY = { OTEL_BSP_SCHEDULE_DELAY: '3600000', OTEL_METRIC_EXPORT_INTERVAL: '3600000' };

const PROTOCOLS: readonly { name: string; settings: (receiver: OtlpReceiver) => Record<string, string> }[] = [
  { name: 'http/protobuf', settings: ({ http }) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: http }) },
  {
    name: 'grpc',
    settings: ({ grpc }) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: grpc, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
  },
];

for (const { name, settings } of PROTOCOLS) {
  test(`by ${name}: logins, handshakes and metrics arrive at SIGTERM, without a secret in them`, async () => {
    await using receiver = await startOtlpReceiver();
    await using gateway = await TracedGateway.start({ ...LAZY, ...settings(receiver) });
    const token = await gateway.login();
    await gateway.login(WRONG_PASSWORD);
    const socket = await gateway.connect(`token=${token}`);
    const message = nextMessage(socket);
    await gateway.ingest(EVENT);
    await message;
    for (const target of [
      `${STREAM_PATH}?token=${token}`,
      `${STREAM_PATH}?%74oken=${token}`,
      `${STREAM_PATH}/${token}`,
      `/${token}?x=${token}`,
    ]) {
      await fetch(`http://127.0.0.1:${gateway.port}${target}`, {
        headers: { 'User-Agent': token, 'X-Forwarded-For': `${token}, 203.0.113.9` },
      });
    }
    await assert.rejects(gateway.connect(`token=${token}x`));
    const metrics = await gateway.metrics();
    assert.equal(receiver.bodies.length, 0);
    const asked = performance.now();
    assert.equal(await gateway.stop(), 0);
    const took = performance.now() - asked;

    const { spans } = receiver;
    const named = (wanted: string) => spans.filter((span) => span.name === wanted);
    const [granted, refused] = named('login');
    for (const { attributes } of spans) {
      const addresses = [attributes['client.address'], attributes['network.peer.address']];
      assert.ok(
        addresses.every((address) => address === undefined || address === ''),
        'an address left',
      );
    }
    assert.equal(granted?.attributes['firehose.login.outcome'], 'granted');
    assert.equal(refused?.attributes['firehose.login.outcome'], 'bad_credentials');
    const parent = named(`POST ${LOGIN_PATH}`).find(({ spanId }) => spanId === granted?.parentSpanId);
    assert.equal(parent?.kind, 'server');
    assert.equal(parent.attributes['http.response.status_code'], 200);
    const line = gateway.process.output.split('\n').find((one) => one.includes('a login was decided')) ?? '{}';
    const { trace_id, span_id } = JSON.parse(line) as { trace_id?: string; span_id?: string };
    assert.deepEqual([trace_id, span_id], [granted?.traceId, granted?.spanId]);
    const handshakes = named(`GET ${STREAM_PATH}`).filter(({ scope }) => scope === 'firehose');
    const outcomes = handshakes.map(({ kind, attributes }) =>
      [kind, attributes['http.response.status_code'], attributes['error.type']].join(' '),
    );
    assert.deepEqual([...new Set(outcomes)], ['server 101 ', 'server 401 invalid_token']);
    assert.equal(new Set(spans.map(({ service }) => service)).size, 1);
    assert.equal(spans[0]?.service, 'firehose-gateway');
    assert.ok(receiver.metricNames.has('firehose_logins'), [...receiver.metricNames].join());

    const secrets = [token, token.slice(-24), 'adminpassword', WRONG_PASSWORD, EVENT['Call-ID'], '$argon2id'];
    for (const secret of secrets) {
      assert.ok(!receiver.bodies.some((body) => body.includes(secret)), `${secret} was exported`);
      assert.ok(!gateway.process.output.includes(secret), `${secret} was printed`);
      assert.ok(!metrics.includes(secret), `${secret} is in a metric`);
    }
    assert.ok(took < 30_000, `${took} ms`);
  });
}

for (const [isTls, scheme] of [
  [true, 'https'],
  [false, 'http'],
] as const) {
  test(`spans of a public port ${isTls ? 'with' : 'without'} TLS have the scheme ${scheme}, those of the inner one http`, async () => {
    await using receiver = await startOtlpReceiver();
    const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.http, OTEL_METRICS_EXPORTER: 'none' };
    await using gateway = await TracedGateway.start(settings, [], isTls);
    const socket = await gateway.connect(`token=${await gateway.login()}`);
    await assert.rejects(gateway.connect('token=none'));
    await gateway.ingest(EVENT);
    socket.close();
    assert.equal(await gateway.stop(), 0);
    const requests = receiver.spans.filter(({ kind }) => kind === 'server');
    const schemes = new Set(requests.map(({ name, attributes }) => `${name} ${String(attributes['url.scheme'])}`));
    assert.deepEqual(
      schemes,
      new Set([`GET ${STREAM_PATH} ${scheme}`, `POST ${LOGIN_PATH} ${scheme}`, `POST ${INGEST_PATH} http`]),
    );
  });
}

test('a stranger has nothing traced, whatever header and path they choose', async () => {
  await using receiver = await startOtlpReceiver();
  await using gateway = await TracedGateway.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.http,
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_TRACES_SAMPLER: 'parentbased_always_off',
    OTEL_PROPAGATORS: 'tracecontext,baggage,b3,b3multi',
  });
  const [traceId, spanId] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
  const traceparent = { traceparent: `00-${traceId}-${spanId}-01` };
  const b3 = { b3: `${traceId}-${spanId}-1` };
  const b3multi = { 'x-b3-traceid': traceId, 'x-b3-spanid': spanId, 'x-b3-sampled': '1' };
  for (const path of [LOGIN_PATH, STREAM_PATH, INGEST_PATH]) {
    for (const headers of [traceparent, b3, b3multi]) {
      await fetch(`http://127.0.0.1:${gateway.port}${path}`, { method: 'POST', body: '{}', headers });
    }
  }
  await gateway.ingest(EVENT, traceparent);
  assert.equal(await gateway.stop(), 0);
  const requests = receiver.spans.filter(({ kind }) => kind === 'server');
  assert.deepEqual(
    requests.map(({ name, attributes }) => [name, attributes['http.response.status_code']]),
    [[`POST ${INGEST_PATH}`, 200]],
  );
});

test('a collector that hangs changes nothing: events flow, and the end waits for it 3 s at most', async () => {
  await using collector = await silentCollector();
  const hangs = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '10' };
  await using gateway = await TracedGateway.start(hangs);
  const socket = await gateway.connect(`token=${await gateway.login()}`);
  for (let count = 0; count < 50; count += 1) {
    const message = nextMessage(socket);
    await gateway.ingest({ ...EVENT, 'Call-ID': `call-${count}` });
    await message;
  }
  await until('the collector reached', () => collector.isReached());
  socket.close();
  const asked = performance.now();
  assert.equal(await gateway.stop(), 0);
  const took = performance.now() - asked;
  assert.ok(took < 10_000, `the end took ${took} ms`);
});

test('a collector that is away changes nothing, and is told once', async () => {
  const away = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_BSP_SCHEDULE_DELAY: '10' };
  await using gateway = await TracedGateway.start(away);
  const socket = await gateway.connect(`token=${await gateway.login()}`);
  const message = nextMessage(socket);
  await gateway.ingest(EVENT);
  await message;
  await gateway.process.says(/telemetry cannot be exported/);
  assert.equal(await gateway.stop(), 0);
  assert.equal(gateway.process.output.split('telemetry cannot be exported').length, 2);
});

/** Accepts connections and never answers. */
async function silentCollector() {
  const held = new Set<Socket>();
  const server = createServer((socket) => held.add(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isReached: () => held.size > 0,
    async [Symbol.asyncDispose]() {
      for (const socket of held) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
