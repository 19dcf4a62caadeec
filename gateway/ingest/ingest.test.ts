import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeMeta } from '../../protocol/entry.ts';
import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import { createIngest } from './ingest.ts';
import { held, ingestSuite, reported } from './ingest.suite.ts';
import { WRAPPED_TYPE } from './read-batch.ts';

const open = () => createEmbeddedLog({ partitions: 4, maxBytes: 16 * 1024 * 1024, now: Date.now });

ingestSuite('embedded log', () => Promise.resolve(open()));

const event = (callId: string) => JSON.stringify({ 'Event-Name': 'DTMF', 'Call-ID': callId });

describe('an answer', () => {
  it('says of each event what became of it, and keeps the good ones', async () => {
    await using eventLog = open();
    const body = [event('a'), '{bad}', '', event('b'), event('a'), '{"Event-Name":"LEG_CREATED"}'].join('\r\n');
    const report = await reported(eventLog, body);
    assert.deepEqual(
      report.events.map(({ index, status, code }) => [index, status, code]),
      [
        [0, 'accepted', undefined],
        [1, 'rejected', 'not_json'],
        [2, 'accepted', undefined],
        [3, 'duplicate', undefined],
        [4, 'dropped', 'never_forwarded'],
      ],
    );
    const { events, summary, ...counts } = report;
    assert.equal(summary, '5 events: 1 rejected (not_json), 2 accepted, 1 duplicate, 1 dropped (never_forwarded)');
    assert.deepEqual(counts, { accepted: 2, duplicate: 1, dropped: 1, rejected: 1, failed: 0 });
    assert.equal(events[3]?.position, events[0]?.position);
    assert.match(events[0]?.position ?? '', /^[0-3]:\d+-\d+$/);
  });

  it('to an empty array, as a producer with nothing to send writes it, is a summary of nothing', async () => {
    await using eventLog = open();
    assert.equal((await reported(eventLog, '[]')).summary, '0 events');
  });

  it('takes account, id and traceparent from the wrapped form', async () => {
    await using eventLog = open();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const body = [
      `{"event":${event('a')},"account":"acme","id":"one","traceparent":"${traceparent}"}`,
      `{"event":${event('b')},"account":"acme","id":"two"}`,
    ].join('\n');
    assert.equal((await reported(eventLog, body, WRAPPED_TYPE)).accepted, 2);
    const metas = (await held(eventLog)).map((entry) => decodeMeta(entry.meta));
    const one = metas.find((meta) => meta?.callId === 'a');
    assert.deepEqual([one?.account, one?.eventId, one?.traceparent], ['acme', 'one', traceparent]);
  });

  it('refuses headers for account and id with more than one event, and takes nothing in', async () => {
    await using eventLog = open();
    const ingest = createIngest({ eventLog, judgeAccount: () => 'offered' });
    const body = Buffer.from(`${event('a')}\n${event('b')}`);
    for (const given of [{ account: 'acme' }, { eventId: 'x' }]) {
      const answer = await ingest(body, { contentType: '', ...given });
      assert.ok(answer.kind === 'unreadable' && answer.problem.code === 'headers_for_one_event');
    }
    assert.deepEqual(await held(eventLog), []);
    const traced = await ingest(body, { contentType: '', account: '', traceparent: 'any' });
    assert.equal(traced.kind, 'answered');
  });
});

const hostileText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc.constantFrom(
    '[',
    '{',
    '"',
    '\\',
    '\\ud800',
    ',',
    ':',
    '\n',
    '{"Event-Name":"DTMF","Call-ID":"c"',
    '}',
    ']',
    '_firehose',
  ),
);
const hostileBody = fc.oneof(
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  fc.array(hostileText, { maxLength: 12 }).map((parts) => Buffer.from(parts.join(''))),
  fc
    .tuple(fc.nat(200), fc.integer({ min: 0, max: 255 }), fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()))
    .map(([at, byte, more]) => {
      const body = Buffer.from(`[${event('a')},${JSON.stringify({ ...more, 'Event-Name': 'DTMF', 'Call-ID': 'b' })}]`);
      body[at % body.length] = byte;
      return body;
    }),
);

describe('a hostile body', () => {
  it('never throws, and nothing malformed is accepted', async () => {
    let taken = 0;
    const property = fc.asyncProperty(hostileBody, fc.constantFrom('', WRAPPED_TYPE), async (body, contentType) => {
      await using eventLog = open();
      const answer = await createIngest({ eventLog, judgeAccount: () => 'offered' })(body, { contentType });
      const entries = await held(eventLog);
      const accepted = answer.kind === 'answered' ? answer.answer.accepted : 0;
      assert.equal(entries.length, accepted);
      taken += accepted;
      for (const { data, meta } of entries) {
        assert.ok(body.includes(data));
        const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
        assert.ok(text.startsWith('{') && text.endsWith('}'));
        const parsed = JSON.parse(text) as Record<string, unknown>;
        assert.equal(Object.hasOwn(parsed, '_firehose'), false);
        assert.equal(decodeMeta(meta)?.name, parsed['Event-Name']);
        assert.equal(decodeMeta(meta)?.callId, parsed['Call-ID']);
      }
    });
    await fc.assert(property, { numRuns: 1_000 });
    assert.ok(taken > 100, `only ${taken} accepted: the bodies are too hostile to test anything`);
  });
});
