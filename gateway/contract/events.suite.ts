import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CloudEvent } from 'cloudevents';
import { eventStreamFrameSchema } from '../../protocol/event-stream-frame.ts';
import { until } from '../../testing/until.ts';
import { EVENT_SOURCE, openEvents, type EventStreamClient } from '../testing/event-stream-client.ts';
import type { RunningGateway, StartOptions } from '../testing/running-gateway.ts';
import { legEvent } from './calls.suite.ts';
import { event } from './gateway.suite.ts';
import { laterMillisecond } from './replay.suite.ts';

const LIMIT = { timeout: 60_000 };
const returning = (lastEventId: string) => ({ ...EVENT_SOURCE, 'Last-Event-ID': lastEventId });

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
const sentOf = (from: number, to: number, account = 'account_id_1') =>
  range(from, to).map((n) => event(account, 'CHANNEL_ANSWER', n));
const numbersOf = (stream: EventStreamClient) =>
  stream.events.map(({ data }) => (JSON.parse(data) as { n: number }).n).toSorted((a, b) => a - b);

/** Every frame is one of the contract. */
function assertFrames(stream: EventStreamClient): void {
  for (const frame of stream.frames) assert.ok(eventStreamFrameSchema.safeParse(frame).success, JSON.stringify(frame));
}

/** The stream as Server-Sent Events over real sockets and TLS, for both logs. */
export function eventsSuite(name: string, open: (options?: StartOptions) => Promise<RunningGateway>): void {
  describe(`Server-Sent Events on ${name}`, () => {
    test('E2: a stream gets the same events as a WebSocket of the same grant, filtered alike', LIMIT, async () => {
      await using running = await open();
      const cases = [
        { filters: {}, count: 13 },
        { filters: { accounts: ['account_id_1'] }, count: 10 },
        { filters: { events: ['CHANNEL_DESTROY'] }, count: 2 },
      ];
      for (const [at, { filters, count }] of cases.entries()) {
        const token = await running.token(filters);
        for (const meta of [0, 1]) {
          const first = 100 * (2 * at + meta);
          const socket = await running.connect(`?token=${token}&meta=${meta}`);
          using stream = await openEvents(running, `?token=${token}&meta=${meta}`);
          const oneLine = [...sentOf(first, first + 8), ...sentOf(first + 8, first + 11, 'account_id_2')];
          await running.ingest(oneLine.join('\n'));
          const destroyed = event('account_id_1', 'CHANNEL_DESTROY', first + 11);
          const onLines = `{"Event-Name":"CHANNEL_DESTROY",\r\n\t"Call-ID":"c","Account-ID":"account_id_1",\n\r"n" :${first + 12}e0}`;
          await running.ingest(`[${destroyed},${onLines}]`);
          const wanted = (await socket.received(count)).map(comparable);
          assert.deepEqual((await stream.received(count)).map(comparable), wanted);
          assert.ok(meta === 1 || wanted.includes(comparable(onLines)), 'line ends came through');
          socket.close();
          assertFrames(stream);
        }
      }
    });

    test('the answer is a stream that no cache and no proxy holds back', LIMIT, async () => {
      await using running = await open();
      const headers = { ...EVENT_SOURCE, Origin: 'https://crm.example.com' };
      using stream = await openEvents(running, `?token=${await running.token()}`, headers);
      assert.equal(stream.status, 200);
      const expected = {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        connection: 'close',
        'access-control-allow-origin': '*',
        vary: 'Origin',
        'x-content-type-options': 'nosniff',
      };
      for (const [header, value] of Object.entries(expected)) assert.equal(stream.headers[header], value, header);
      const hello = await stream.announced('hello');
      assert.match(stream.body, /^retry: [123]\d{3}\n\nevent: firehose\n/);
      assert.equal(
        stream.lastEventId,
        hello['cursor'],
        'a client that is cut before the first event resumes from here',
      );
    });

    test(
      'E1: a client that comes back by the id of its last event misses nothing and gets nothing twice',
      LIMIT,
      async () => {
        await using running = await open();
        const token = await running.token();
        const first = await openEvents(running, `?token=${token}`);
        await running.ingest(sentOf(0, 40).join('\n'));
        await first.received(40);
        const seen = first.events.slice(0, 25);
        first[Symbol.dispose]();
        await running.ingest(sentOf(40, 60).join('\n'));
        using second = await openEvents(running, `?token=${token}`, returning(seen.at(-1)?.id ?? ''));
        await running.ingest(sentOf(60, 70).join('\n'));
        await second.received(45);
        const all = [...seen.map(({ data }) => (JSON.parse(data) as { n: number }).n), ...numbersOf(second)];
        assert.deepEqual(
          all.toSorted((a, b) => a - b),
          range(0, 70),
        );
      },
    );

    test('an id of a WebSocket event resumes a stream, and the other way round', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const socket = await running.connect(`?token=${token}&meta=1`);
      using stream = await openEvents(running, `?token=${token}`);
      await running.ingest(sentOf(0, 3).join('\n'));
      const { _firehose } = JSON.parse((await socket.received(3))[1] ?? '') as { _firehose: { cursor: string } };
      await stream.received(3);
      using resumed = await openEvents(running, `?token=${token}`, returning(_firehose.cursor));
      assert.equal((await resumed.received(1)).length, 1);
      const back = await running.connect(`?token=${token}&cursor=${stream.events[0]?.id ?? ''}`);
      assert.equal((await back.received(2)).length, 2);
      for (const client of [socket, back]) client.close();
    });

    test(
      'a bounded replay ends, and its client, which comes back, is told with 204 that there is no more',
      LIMIT,
      async () => {
        await using running = await open();
        const token = await running.token();
        await running.ingest(sentOf(0, 5).join('\n'));
        await laterMillisecond();
        const query = `?token=${token}&from=-1h&to=${new Date().toISOString()}`;
        using stream = await openEvents(running, query);
        await stream.ended();
        assert.deepEqual(numbersOf(stream), range(0, 5));
        assert.deepEqual(stream.frame('end'), { type: 'end', code: 1000, reason: 'replay_done' });
        await running.ingest(sentOf(5, 8).join('\n'));
        let id = stream.lastEventId;
        for (let tries = 0; ; tries += 1) {
          using again = await openEvents(running, query, returning(id));
          if (again.status === 204) break;
          assert.ok(tries < 2, 'the second time at the latest');
          await again.ended();
          assert.deepEqual(again.events, [], 'nothing of later');
          id = again.lastEventId;
        }
      },
    );

    test('what is final has its status, also for an EventSource', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const finals: [string, Record<string, string>, number, string][] = [
        ['?token=nonsense', EVENT_SOURCE, 401, 'invalid_token'],
        ['', EVENT_SOURCE, 401, 'invalid_token'],
        [`?token=${token}&group=default`, EVENT_SOURCE, 400, 'unknown_parameter'],
        [`?token=${token}`, returning('nonsense'), 400, 'invalid_cursor'],
        [`?token=${token}`, { Accept: 'application/json' }, 406, 'not_acceptable'],
        [`?token=${token}&snapshot=calls`, EVENT_SOURCE, 400, 'calls_disabled'],
      ];
      for (const [query, headers, status, code] of finals) {
        using refused = await openEvents(running, query, headers);
        await refused.ended();
        assert.deepEqual([refused.status, refused.problem.code], [status, code], query);
        assert.equal(refused.headers['content-type'], 'application/problem+json');
      }
    });

    test(
      'what passes by itself is told to an EventSource in a stream that ends, and to others by its status',
      LIMIT,
      async () => {
        await using running = await open({ connections: { maxPerAccount: 1 } });
        const token = await running.token();
        using held = await openEvents(running, `?token=${token}`);
        await held.announced('hello');
        using told = await openEvents(running, `?token=${token}`);
        await told.ended();
        assert.equal(told.status, 200);
        const problem = told.frame('problem');
        assert.deepEqual([problem?.['status'], problem?.['code']], [429, 'account_quota']);
        assert.deepEqual(told.retries, [problem?.['retry_after_ms']]);
        assert.ok((told.retries[0] ?? 0) >= 10_000, 'not before Retry-After');
        assert.equal(told.lastEventId, '', 'it resumes from where it was');
        assertFrames(told);
        using refused = await openEvents(running, `?token=${token}`, { Accept: 'text/event-stream' });
        await refused.ended();
        assert.deepEqual(
          [refused.status, refused.problem.code, refused.headers['retry-after']],
          [429, 'account_quota', '10'],
        );
      },
    );

    test('a stream that ended leaves its place in the quota, and is listed while it lasts', LIMIT, async () => {
      await using running = await open({ connections: { maxPerAccount: 1 } });
      const token = await running.token();
      for (let time = 0; time < 3; time += 1) {
        using stream = await openOnceFree(running, token);
        await stream.announced('hello');
        const { connections } = (await running.administer('/connections')).body as { connections: object[] };
        assert.deepEqual(
          connections.map((one) => (one as { contract: string }).contract),
          ['sse'],
        );
      }
    });

    test('a revoked token ends its streams within two seconds, for good', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      using stream = await openEvents(running, `?token=${token}`);
      await stream.announced('hello');
      const { body } = await running.administer('/revocations', { token });
      assert.equal(body['closed'], 1);
      await stream.ended();
      assert.deepEqual(stream.frame('end'), { type: 'end', code: 4503, reason: 'revoked' });
      using again = await openEvents(running, `?token=${token}`, returning(stream.lastEventId));
      assert.equal(again.status, 401);
    });

    test('a draining replica says when to come back, with a place to resume from', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      using stream = await openEvents(running, `?token=${token}`);
      await running.ingest(sentOf(0, 2).join('\n'));
      await stream.received(2);
      const drained = running.gateway.drain('SIGTERM', AbortSignal.abort());
      await stream.announced('drain');
      await stream.ended();
      await drained;
      assert.deepEqual(stream.frame('end'), { type: 'end', code: 1012, reason: 'rolling_restart' });
      const retry = stream.retries.at(-1) ?? 0;
      assert.ok(retry >= 2_000 && retry <= 10_000, String(retry));
      assert.notEqual(stream.lastEventId, '');
      using refused = await openEvents(running, `?token=${token}`, returning(stream.lastEventId));
      await refused.ended();
      assert.equal(refused.frame('problem')?.['code'], 'draining');
    });

    test(
      'format=cloudevents: each event is the data of a valid CloudEvent, on a stream and on a WebSocket',
      LIMIT,
      async () => {
        await using running = await open();
        const token = await running.token();
        const socket = await running.connect(`?token=${token}&format=cloudevents`);
        const control = await running.connect(`?token=${token}&v=1&format=cloudevents`);
        using stream = await openEvents(running, `?token=${token}&format=cloudevents`);
        const sent = legEvent('account_id_1', 'leg-1', 'CHANNEL_ANSWER', { Node: 'freeswitch@fs001', n: 1 });
        await running.ingest(sent);
        const [ofSocket = ''] = await socket.received(1);
        const [, ofControl = ''] = await control.received(2);
        const [ofStream = ''] = await stream.received(1);
        for (const text of [ofSocket, ofControl, ofStream]) {
          assert.ok(text.endsWith(`"data":${sent}}`), text);
          const parsed = new CloudEvent(JSON.parse(text) as Record<string, unknown>);
          assert.ok(parsed.validate());
          const { type, subject } = parsed;
          assert.deepEqual({ type, subject }, { type: 'dev.firehose.call.channel_answer', subject: 'leg-1' });
          assert.match(parsed.source, /^\/firehose\/[a-z]+\/[a-z0-9-]+\/freeswitch%40fs001$/);
          assert.equal(parsed['accountid'], 'account_id_1');
        }
        assert.equal((JSON.parse(ofStream) as { id: string }).id, (JSON.parse(ofSocket) as { id: string }).id);
        const { cursor } = JSON.parse(ofSocket) as { cursor: string };
        using resumed = await openEvents(running, `?token=${token}`, returning(cursor));
        await running.ingest(sentOf(1, 2).join('\n'));
        assert.deepEqual(await resumed.received(1), sentOf(1, 2));
        for (const client of [socket, control]) client.close();
      },
    );

    test(
      'snapshot=calls: the live calls, then the events after them; who is cut off in it gets another',
      LIMIT,
      async () => {
        await using running = await open({ calls: { enabled: true } });
        const token = await running.token();
        await running.ingest([1, 2].map((n) => legEvent('account_id_1', `leg-${n}`, 'CHANNEL_CREATE')).join('\n'));
        using stream = await openOnceReady(running, `?token=${token}&snapshot=calls`);
        const end = await stream.announced('snapshot_end');
        // A sweep may report in between that the stream is behind.
        const types = stream.frames.map(({ type }) => type).filter((type) => type !== 'lagging');
        assert.deepEqual(types, [
          'hello',
          'snapshot_begin',
          ...range(0, Number(end['calls'])).map(() => 'call'),
          'snapshot_end',
        ]);
        const { index = 0 } = /"snapshot_end"/.exec(stream.body) ?? {};
        assert.ok(!/^id: /m.test(stream.body.slice(0, stream.body.lastIndexOf('event: firehose', index))));
        assert.equal(stream.lastEventId, end['cursor']);
        await running.ingest(legEvent('account_id_1', 'leg-1', 'CHANNEL_ANSWER'));
        await stream.received(1);
        using resumed = await openEvents(running, `?token=${token}&snapshot=calls`, returning(String(end['cursor'])));
        await resumed.received(1);
        assert.equal(resumed.frame('snapshot_begin'), undefined, 'what the log still has needs no snapshot');
        assertFrames(stream);
      },
    );
  });
}

/** Two connections seal the same position differently, and any line end is a line feed on a stream. */
function comparable(text: string): string {
  return text.replace(/"cursor":"[^"]+"/, '"cursor":""').replace(/\r\n|\r/g, '\n');
}

async function openOnceFree(running: RunningGateway, token: string): Promise<EventStreamClient> {
  return openOnceReady(running, `?token=${token}`);
}

/** Requests it until the refusal is not temporary. */
async function openOnceReady(running: RunningGateway, query: string): Promise<EventStreamClient> {
  const stream = await until('a refusal that is not temporary, or a stream', async () => {
    const opened = await openEvents(running, query, { Accept: 'text/event-stream' });
    if (opened.status !== 429 && opened.status !== 503) return opened;
    await opened.ended();
    return null;
  });
  assert.equal(stream.status, 200);
  return stream;
}
