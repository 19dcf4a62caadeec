import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudEvent, HTTP } from 'cloudevents';
import { CLOUD_EVENT_END, cloudEventHead, cloudEventSource, type CloudEventContext } from './cloud-event.ts';
import { compareIds } from './position.ts';

const CONTEXT: CloudEventContext = {
  meta: {
    id: 'switch-1:42',
    account_id: 'acme',
    ingested_at: '2026-11-30T10:00:00.123456Z',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    cursor: 'AgAB-_c',
  },
  source: cloudEventSource('telephony/acme'),
  node: 'freeswitch@fs001.example.com',
  name: 'CHANNEL_ANSWER',
  callId: 'call "1"/ä',
  entryId: '1764496800123-7',
};
const whole = (context: CloudEventContext, data: string) => cloudEventHead(context) + data + CLOUD_EVENT_END;

test('a call event becomes a CloudEvent that the official library reads and finds valid', () => {
  const data = '{"Event-Name":"CHANNEL_ANSWER","n":12345678901234567890,\n "n":1}';
  const text = whole(CONTEXT, data);
  assert.ok(text.endsWith(`"data":${data}}`), 'the data is the bytes of the event');
  const event = HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body: text });
  assert.ok(event instanceof CloudEvent);
  assert.ok(event.validate());
  const { id, source, type, subject, specversion, datacontenttype } = event;
  assert.deepEqual(
    { id, source, type, subject, specversion, datacontenttype },
    {
      id: 'switch-1:42',
      source: '/firehose/telephony/acme/freeswitch%40fs001.example.com',
      type: 'dev.firehose.call.channel_answer',
      subject: 'call "1"/ä',
      specversion: '1.0',
      datacontenttype: 'application/json',
    },
  );
  assert.equal(event.time, new Date('2026-11-30T10:00:00.123Z').toISOString());
  assert.deepEqual(
    [event['partitionkey'], event['accountid'], event['cursor'], event['traceparent']],
    [CONTEXT.callId, 'acme', 'AgAB-_c', CONTEXT.meta.traceparent],
  );
});

test('what is unknown is absent, and the event is valid without it', () => {
  const meta = { id: '0:1-0', account_id: null, ingested_at: null, traceparent: null, cursor: null };
  const text = whole({ ...CONTEXT, meta, node: null, callId: '' }, '{}');
  const { sequence, ...rest } = JSON.parse(text) as Record<string, unknown>;
  assert.deepEqual(rest, {
    specversion: '1.0',
    id: '0:1-0',
    source: '/firehose/telephony/acme',
    type: 'dev.firehose.call.channel_answer',
    datacontenttype: 'application/json',
    data: {},
  });
  assert.equal(typeof sequence, 'string');
  assert.ok(new CloudEvent(JSON.parse(text) as Record<string, unknown>).validate());
});

test('an odd name of a switch does not break the source, and an attempt is told where there is one', () => {
  const text = whole({ ...CONTEXT, node: '\ud800 a/b?c', meta: { ...CONTEXT.meta, attempt: 3 } }, '{}');
  const event = new CloudEvent(JSON.parse(text) as Record<string, unknown>);
  assert.ok(event.validate());
  assert.equal(event.source, '/firehose/telephony/acme/%EF%BF%BD%20a%2Fb%3Fc');
  assert.equal(event['attempt'], 3);
});

test('sequences are in the order of the log as texts', () => {
  const ids = ['9-0', '10-0', '10-2', '10-10', '1764496800123-7', '18446744073709551615-18446744073709551615'];
  const sequences = ids.map(
    (entryId) => (JSON.parse(whole({ ...CONTEXT, entryId }, '{}')) as { sequence: string }).sequence,
  );
  assert.deepEqual(sequences.toSorted(), sequences);
  assert.deepEqual(ids.toSorted(compareIds), ids);
});
