import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Held, Loaded } from '../group/ledger.ts';
import { batchBody, batchId, contentType, eventBody, headerId } from './event-body.ts';

const FORM = { format: 'Standard', source: '/firehose/voice/acme' } as const;
const BYTES = '{ "Event-Name":"CHANNEL_ANSWER", "n": 1.50 }';
const sent = (more: object = {}): Parameters<typeof eventBody>[0] => ({
  id: '1767225600000-0',
  eventId: 'call/1',
  meta: {
    name: 'CHANNEL_ANSWER',
    account: 'acme',
    callId: 'call',
    eventId: 'call/1',
    ingestedAt: '1767225600123456',
    traceparent: '',
  },
  data: Buffer.from(BYTES),
  ...(more as Partial<Held<Loaded>>),
});

test('the standard body has type, time and the bytes of the event as they are', () => {
  assert.equal(
    eventBody(sent(), FORM, null).toString(),
    `{"type":"call.channel_answer","timestamp":"2026-01-01T00:00:00.123456Z","data":${BYTES},"firehose":{"id":"call/1","account_id":"acme"}}`,
  );
});

test('the standard body says why an event is not the switch’s own', () => {
  const data = Buffer.from('{"Event-Name":"CHANNEL_DESTROY","Firehose-Synthetic":"silent"}');
  const { firehose } = JSON.parse(eventBody(sent({ data }), FORM, null).toString()) as { firehose: object };
  assert.deepEqual(firehose, { id: 'call/1', account_id: 'acme', synthetic: 'silent' });
});

test('the raw body is the bytes alone', () => {
  assert.equal(eventBody(sent(), { ...FORM, format: 'Raw' }, null).toString(), BYTES);
});

test('a body is JSON whatever the meta line holds', () => {
  const meta = { ...sent().meta, name: 'A"B\u2028', account: '', ingestedAt: '' };
  const body = JSON.parse(eventBody(sent({ meta, eventId: 'a"b' }), FORM, null).toString()) as object;
  assert.deepEqual(body, {
    type: 'call.a"b\u2028',
    timestamp: '2026-01-01T00:00:00.000000Z',
    data: JSON.parse(BYTES),
    firehose: { id: 'a"b', account_id: null },
  });
});

test('V1: what a privacy profile hides is in no body', () => {
  const privacy = { name: 'hidden', version: '1', event: () => Buffer.from('{}'), call: <T>(call: T) => call };
  for (const format of ['Standard', 'Raw', 'CloudEvents'] as const)
    assert.doesNotMatch(eventBody(sent(), { ...FORM, format }, privacy).toString(), /1\.50/);
});

test('an id that no header can carry is its digest, always the same', () => {
  assert.equal(headerId('call/1'), 'call/1');
  for (const id of ['a b', 'ü', 'a\r\nx: y', 'x'.repeat(257), '']) {
    assert.match(headerId(id), /^sha256:[\w-]{43}$/);
    assert.equal(headerId(id), headerId(id));
  }
});

test('a CloudEvent has the attributes of the specification, and the bytes as they are', () => {
  const text = eventBody(sent(), { ...FORM, format: 'CloudEvents' }, null).toString();
  assert.ok(text.endsWith(`"data":${BYTES}}`));
  assert.partialDeepStrictEqual(JSON.parse(text), {
    specversion: '1.0',
    id: 'call/1',
    source: '/firehose/voice/acme',
    type: 'dev.firehose.call.channel_answer',
    subject: 'call',
    time: '2026-01-01T00:00:00.123456Z',
    partitionkey: 'call',
    accountid: 'acme',
  });
});

test('a batch is an array with an id of its own, which depends on its events', () => {
  const bodies = [eventBody(sent(), FORM, null), eventBody(sent(), { ...FORM, format: 'Raw' }, null)];
  assert.deepEqual(
    JSON.parse(batchBody(bodies).toString()),
    bodies.map((body) => JSON.parse(body.toString()) as object),
  );
  assert.match(batchId(['a', 'b']), /^batch_[\w-]{43}$/);
  assert.notEqual(batchId(['a', 'b']), batchId(['a,b']));
});

test('the type of the content is that of the HTTP binding of CloudEvents', () => {
  assert.equal(contentType('Standard', true), 'application/json');
  assert.equal(contentType('CloudEvents', false), 'application/cloudevents+json');
  assert.equal(contentType('CloudEvents', true), 'application/cloudevents-batch+json');
});
