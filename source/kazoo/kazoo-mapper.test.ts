import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { trimJson } from '../../event-log/intake/json-slice.ts';
import { anyEventText } from '../../event-log/intake/testing/any-json.ts';
import { plainEventId } from '../../event-log/intake/testing/plain-canonical.ts';
import { createHiddenFields, createNameMatcher } from '../legs/hidden-fields.ts';
import type { Mapped, SwitchEvent } from '../mapper.ts';
import { defaultMappingOptions, type MappingOptions } from '../mapping-options.ts';
import { recordings } from '../testing/recordings.ts';
import { createKazooMapper } from './kazoo-mapper.ts';
import { plainHide } from './testing/plain-cut.ts';

const body = (event: SwitchEvent) => ({ 'Event-Category': 'call_event', 'Msg-ID': '1763979370500222', ...event });
const json = (event: SwitchEvent) => Buffer.from(JSON.stringify(body(event)));
const of = (name: string, more: SwitchEvent = {}) => json({ 'Event-Name': name, 'Call-ID': 'leg-1', ...more });
const ACME = { 'Custom-Channel-Vars': { 'Account-ID': 'acme' } };

function create(options: Partial<MappingOptions> = {}) {
  const mapper = createKazooMapper({ ...defaultMappingOptions(), holdMs: 0, ...options });
  let now = 0;
  return {
    mapper,
    feed: (bytes: Buffer, routingKey?: string): Mapped => mapper.feed({ routingKey, body: bytes }, (now += 1)),
  };
}

const fixture = (name: string) =>
  readFileSync(new URL(`../../gateway/ingest/fixtures/${name}.ndjson`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '');

test('the bytes of an event go on as they came', () => {
  const odd = `{ "Call-ID" : "leg\\u002d1",  "Event-Name":"CHANNEL_ANSWER","n":1e400,"big":12345678901234567890,"Custom-Channel-Vars":{"Account-ID":"acme"} }`;
  const { events } = create().feed(Buffer.from(`\n${odd} \n`), 'call.CHANNEL_ANSWER.leg-1');
  assert.deepEqual(
    events.map((event) => event.json),
    [odd],
  );
  assert.equal(events[0]?.account, 'acme');
  assert.equal(events[0]?.callId, 'leg-1');
});

test('S9: hidden fields are cut out, and the other bytes stay', () => {
  const text = `{"Node":"n" , "Event-Name":"CHANNEL_DESTROY","Custom-SIP-Headers":{"X-AUTH-Token":"t","a":"}\\"{"},\n "Call-ID":"leg-1","Switch-URL":"sip:x", "Custom-Channel-Vars":{"Account-ID":"acme","Reseller-Billing":"r","Rate":1.50,"Owner-ID":"o","Fetch-ID":"f"},"Billing-Seconds":7.0,"Local-SDP":"v=0"}`;
  const expected = `{"Event-Name":"CHANNEL_DESTROY",\n "Call-ID":"leg-1", "Custom-Channel-Vars":{"Account-ID":"acme","Owner-ID":"o"},"Billing-Seconds":7.0}`;
  assert.equal(create().feed(Buffer.from(text)).events[0]?.json, expected);
  const keep = ['Switch-URL', 'Node', 'Rate*', 'Local-SDP', 'Custom-SIP-Headers', 'Reseller-Billing', 'Fetch-ID'];
  assert.equal(create({ privacy: { keep, remove: [] } }).feed(Buffer.from(text)).events[0]?.json, text);
});

test('S9: a recording tells its name and no path', () => {
  const event = of('RECORD_STOP', {
    Recording: { Name: 'a.mp3', 'File-Path': '/var/spool/a.mp3' },
    'Media-Recordings': ['/tmp/a.mp3'],
    'Application-Data': '/tmp/a.mp3',
    'Media-Name': 'a.mp3',
  });
  const shown = JSON.parse(create().feed(event).events[0]?.json ?? '{}') as SwitchEvent;
  assert.deepEqual(shown['Recording'], { Name: 'a.mp3' });
  assert.deepEqual(
    [shown['Media-Recordings'], shown['Application-Data'], shown['Media-Name']],
    [undefined, undefined, 'a.mp3'],
  );
});

test('S9 S10: of any object, id and bytes are those of a plain reading, member by member', () => {
  const kept = ['Reseller-Billing', 'Media-Name'];
  const privacy = { keep: kept, remove: ['a'] };
  const [isHidden, isKept] = [createHiddenFields(privacy), createNameMatcher(kept)];
  let forwarded = 0;
  const agrees = (text: string) => {
    const [event] = create({ privacy }).feed(Buffer.from(text)).events;
    if (event === undefined) return;
    forwarded += 1;
    const body = trimJson(Buffer.from(text));
    assert.equal(event.eventId, plainEventId(body.toString()));
    assert.equal(event.json, plainHide(body, isHidden, isKept).toString());
  };
  for (const line of [...fixture('call-events-2015'), ...fixture('derived-call-events')]) agrees(line);
  for (const { events } of recordings()) {
    for (const { event } of events) {
      agrees(JSON.stringify({ ...event, 'Event-Name': 'DTMF', 'Call-ID': 'leg', 'Custom-Channel-Vars': event }));
    }
  }
  fc.assert(fc.property(anyEventText, agrees), { numRuns: 3_000 });
  assert.ok(forwarded > 3_000, `${forwarded} were compared`);
});

test('the name of the body is that of the routing key, or the event is dropped', () => {
  const { feed } = create();
  assert.equal(feed(of('CHANNEL_ANSWER'), 'call.CHANNEL_BRIDGE.leg-1').dropped?.reason, 'key_mismatch');
  assert.equal(feed(of('CHANNEL_ANSWER'), 'call').dropped?.reason, 'key_mismatch');
  assert.equal(feed(of('CHANNEL_ANSWER'), 'call.CHANNEL_ANSWER.leg%2E1').events.length, 1);
});

test('what may not be forwarded is dropped for a reason', () => {
  const { feed } = create();
  const reason = (bytes: Buffer) => {
    const { dropped } = feed(bytes);
    return dropped === null ? null : `${dropped.reason} ${dropped.what}`;
  };
  assert.equal(reason(of('CHANNEL_PIVOT')), 'never_forwarded CHANNEL_PIVOT');
  assert.equal(reason(of('channel_status_req')), 'never_forwarded channel_status_req');
  assert.equal(reason(of('CHANNEL_ANSWER', { 'Event-Category': 'error' })), 'error_category CHANNEL_ANSWER');
  assert.equal(reason(Buffer.from([0xff, 0xfe])), 'rejected invalid_utf8');
  assert.equal(reason(Buffer.from('[]')), 'rejected not_an_object');
  assert.equal(reason(Buffer.from('{')), 'rejected not_json');
  assert.equal(reason(Buffer.alloc(70_000, ' ')), 'rejected too_large');
  assert.equal(reason(json({ 'Event-Name': 'CHANNEL_ANSWER' })), 'rejected invalid_call_id');
  assert.equal(reason(Buffer.from('{"Event-Name":"DTMF","Call-ID":"a","Call-ID":"b"}')), 'rejected duplicate_key');
  for (const line of fixture('not-call-events')) assert.notEqual(reason(Buffer.from(line)), null);
});

test('S3: the copies that several ecallmgr publish of one beginning are one, and nothing of a leg follows its end', () => {
  const { feed } = create();
  const names = [
    feed(of('CHANNEL_CREATE', { Node: 'ecallmgr@a' })),
    feed(of('CHANNEL_CREATE', { Node: 'ecallmgr@b' })),
    feed(of('CHANNEL_DESTROY', ACME)),
    feed(of('CHANNEL_DESTROY', ACME)),
    feed(of('CHANNEL_CREATE', { Node: 'ecallmgr@c' })),
  ].map(({ events, dropped }) => events[0]?.name ?? dropped?.reason);
  assert.deepEqual(names, ['CHANNEL_CREATE', 'no_change', 'CHANNEL_DESTROY', 'after_destroy', 'after_destroy']);
  // Callflow itself detects the end.
  const abandoned = feed(of('PARK_ABANDONED', ACME)).events;
  assert.deepEqual([abandoned[0]?.name, abandoned[0]?.account], ['PARK_ABANDONED', 'acme']);
});

test('S8: a leg keeps its account, and no other leg gets it', () => {
  const { feed } = create();
  const account = (bytes: Buffer) => feed(bytes).events[0]?.account;
  assert.equal(account(of('CHANNEL_CREATE')), '');
  assert.equal(account(of('CHANNEL_PROGRESS', ACME)), 'acme');
  assert.equal(account(of('DTMF')), 'acme');
  assert.equal(account(of('DTMF', { 'Call-ID': 'leg-2', 'Other-Leg-Call-ID': 'leg-1' })), '');
  assert.equal(account(of('CHANNEL_DESTROY')), 'acme');
});

test('a CREATE without account waits for the next event of its leg, and keeps its bytes', () => {
  const { mapper, feed } = create({ holdMs: 250 });
  const first = of('CHANNEL_CREATE');
  assert.deepEqual(feed(first).events, []);
  const { events } = feed(of('CHANNEL_PROGRESS', ACME));
  assert.deepEqual(
    events.map(({ name, account }) => [name, account]),
    [
      ['CHANNEL_CREATE', 'acme'],
      ['CHANNEL_PROGRESS', 'acme'],
    ],
  );
  assert.equal(events[0]?.json, first.toString());
  assert.deepEqual(mapper.liveLegs(), ['leg-1']);
});

test('S3: a call of a lost switch ends, once, unless the platform wants no ends', () => {
  const lost = of('CHANNEL_DISCONNECTED', { ...ACME, 'Caller-ID-Number': '1001', 'Media-Server': 'fs1' });
  const { feed, mapper } = create();
  feed(of('CHANNEL_CREATE', ACME));
  const [told, end] = feed(lost).events;
  assert.equal(told?.name, 'CHANNEL_DISCONNECTED');
  assert.deepEqual([end?.name, end?.account, end?.synthetic], ['CHANNEL_DESTROY', 'acme', 'missed']);
  assert.equal(end?.eventId, 'kz.leg-1.CHANNEL_DESTROY.syn.1763979370');
  const shown = JSON.parse(end?.json ?? '{}') as SwitchEvent;
  assert.deepEqual(
    [shown['Event-Name'], shown['Hangup-Cause'], shown['Firehose-Synthetic'], shown['Caller-ID-Number']],
    ['CHANNEL_DESTROY', 'NONE', 'missed', '1001'],
  );
  assert.equal(shown['Media-Server'], undefined);
  assert.equal(feed(of('CHANNEL_DESTROY', ACME)).dropped?.reason, 'after_destroy');
  assert.deepEqual(mapper.liveLegs(), []);
  const plain = create({ lostCalls: 'None' });
  assert.equal(plain.feed(lost).events.length, 1);
  assert.equal(plain.feed(of('CHANNEL_DESTROY', ACME)).events.length, 1);
});

test('S10: real events give the same bytes each time', () => {
  for (const name of ['call-events-2015', 'derived-call-events']) {
    const run = () =>
      fixture(name).map((line, at) => create().mapper.feed({ routingKey: undefined, body: Buffer.from(line) }, at));
    assert.deepEqual(run(), run());
    assert.ok(run().every(({ dropped }) => dropped === null));
  }
});
