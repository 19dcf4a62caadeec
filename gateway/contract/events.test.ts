import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { EventSource } from 'eventsource';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { until } from '../../testing/until.ts';
import { openEvents } from '../testing/event-stream-client.ts';
import { exchange } from '../testing/raw-client.ts';
import { startGateway } from '../testing/running-gateway.ts';
import { eventsSuite } from './events.suite.ts';
import { event } from './gateway.suite.ts';

const LIMIT = { timeout: 60_000 };

eventsSuite('the embedded log', (options = {}) => startGateway(options));

test('I4: events that are gone are a gap with a place behind it, and with on_gap=fail the end', LIMIT, async () => {
  await using running = await startGateway({ environment: { FIREHOSE_LOG_BYTES: '1048576' } });
  const token = await running.token();
  const filler = 'x'.repeat(50_000);
  for (let at = 0; at < 40; at += 1) {
    await running.ingest(event('account_id_1', 'CHANNEL_ANSWER', at).replace('}', `,"filler":"${filler}"}`));
  }
  using told = await openEvents(running, `?token=${token}&from=2020-01-01T00:00:00Z`);
  await told.received(1);
  assert.deepEqual(
    told.frames.map(({ type }) => type),
    ['hello', 'gap'],
  );
  assert.equal(told.frame('gap')?.['reason'], 'from_before_oldest');
  assert.match(told.body, /"hello"[^]*^id: .*\ndata: \{"type":"gap"[^]*^id: /m);
  assert.doesNotMatch(told.body, /^id: [^]*"hello"/m, 'nobody resumes behind a gap before it was told');
  using failed = await openEvents(running, `?token=${token}&from=2020-01-01T00:00:00Z&on_gap=fail`);
  await failed.ended();
  assert.deepEqual([failed.status, failed.problem.code], [410, 'from_before_oldest']);
});

test('an EventSource outside of browsers comes back by itself, behind the last event that it had', LIMIT, async (t) => {
  await using running = await startGateway({ plain: true });
  await using proxy = await startTcpProxy(running.gateway.port);
  const token = await running.token();
  const source = new EventSource(`http://127.0.0.1:${proxy.port}/ws/v1/firehose/events?token=${token}`);
  t.after(() => source.close());
  const [events, frames]: [string[], string[]] = [[], []];
  source.onmessage = ({ data }) => events.push(data);
  source.addEventListener('firehose', ({ data }) => frames.push((JSON.parse(data) as { type: string }).type));
  await until('the greeting', () => frames.includes('hello'));
  const sent = Array.from({ length: 20 }, (_, n) => event('account_id_1', 'CHANNEL_ANSWER', n));
  await running.ingest(sent.slice(0, 10).join('\n'));
  await until('ten events', () => events.length === 10);
  proxy.cutAll();
  await running.ingest(sent.slice(10).join('\n'));
  await until('the rest', () => events.length === 20);
  assert.deepEqual(events.toSorted(), sent.toSorted());
});

test(
  'half-open: a client that ends its side has the stream as long as it reads, and then gives its place back',
  LIMIT,
  async () => {
    await using running = await startGateway({ plain: true, connections: { maxPerAccount: 1 } });
    const token = await running.token();
    const socket = connect({ port: running.gateway.port, host: '127.0.0.1', allowHalfOpen: true });
    const connections = async () =>
      ((await running.administer('/connections')).body as { connections: object[] }).connections.length;
    let received = '';
    socket.on('data', (chunk) => (received += String(chunk)));
    socket.on('error', () => undefined);
    socket.end(`GET /ws/v1/firehose/events?token=${token} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n`);
    await until('an answer or the end', () => received.includes('"hello"') || socket.closed || socket.readableEnded);
    socket.destroy();
    await until('no connection', async () => (await connections()) === 0);
    using next = await openEvents(running, `?token=${token}`);
    await next.announced('hello');
  },
);

test('a client that says more than a request is cut off, and one that leaves gives its place back', LIMIT, async () => {
  await using running = await startGateway({ plain: true, connections: { maxPerAccount: 1 } });
  const token = await running.token();
  const request = `GET /ws/v1/firehose/events?token=${token} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n`;
  for (const behind of ['', request.repeat(3), 'x'.repeat(100_000)]) {
    const received = await exchange(running.gateway.port, request + behind, {
      isEnough: (bytes) => behind.length < 4_096 && bytes.includes('"hello"'),
    });
    assert.match(received.toString('latin1'), /^HTTP\/1\.1 200 OK/);
    await until('no connection', async () => {
      const { connections } = (await running.administer('/connections')).body as { connections: object[] };
      return connections.length === 0;
    });
  }
});
