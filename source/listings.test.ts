import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createAmiParser } from './ami/ami-parser.ts';
import { readAmiListing, readAriListing } from './asterisk/asterisk-listing.ts';
import { createAsteriskMapper } from './asterisk/asterisk-mapper.ts';
import { readChannels } from './freeswitch/freeswitch-listing.ts';
import { createFreeswitchMapper } from './freeswitch/freeswitch-mapper.ts';
import type { ListedLeg, MappedEvent, SwitchEvent } from './mapper.ts';
import { defaultMappingOptions } from './mapping-options.ts';
import { byLeg, mapAll, recording } from './testing/recordings.ts';

const read = (name: string) => readFileSync(new URL(`fixtures/recordings/${name}`, import.meta.url), 'utf8');
const parsed = (name: string) => JSON.parse(read(name)) as unknown;

const amiListing = () =>
  readAmiListing(createAmiParser().push(Buffer.from(read('asterisk-22/listings/ami-coreshowchannels.txt'))));
const ariListing = () =>
  readAriListing(parsed('asterisk-22/listings/ari-channels.json'), parsed('asterisk-22/listings/ari-bridges.json'));

const OUTAGE = { from: 1_795_986_494_000, to: 1_795_986_495_000, restarted: false };
const options = () => ({ ...defaultMappingOptions(), holdMs: 0, endpoint: 'pbx1', park: 'Valet' as const });

const namesOf = (events: readonly MappedEvent[]) =>
  Object.fromEntries(
    [...byLeg(events)].map(([id, leg]) => [id, leg.map(({ name }) => name.replace('CHANNEL_', '')).join(' ')]),
  );
const bodyOf = (event: MappedEvent | undefined) => JSON.parse(event?.json ?? '{}') as SwitchEvent;

test('a listing of Asterisk begins each channel, answers those that are up and bridges the two that share a bridge', () => {
  for (const [name, listing] of [
    ['AMI', amiListing()],
    ['ARI', ariListing()],
  ] as const) {
    const mapper = createAsteriskMapper({ ...options(), interface: name });
    const events = mapper.adopt(listing, OUTAGE);
    assert.deepEqual(namesOf(events), {
      'pbx1-1795986493.2@pbx1': 'CREATE ANSWER BRIDGE',
      'pbx1-1795986493.3@pbx1': 'CREATE ANSWER',
      'pbx1-1795986494.4@pbx1': 'CREATE',
      'pbx1-1795986494.5@pbx1': 'CREATE',
    });
    for (const event of events) {
      assert.equal(event.synthetic, 'missed', name);
      assert.equal(event.account, 'acme');
    }
    const [create] = events.filter(({ callId }) => callId === 'pbx1-1795986493.2@pbx1');
    assert.match(String(bodyOf(create)['Msg-ID']), /^1795986493/, 'it begins as old as it is');
    assert.equal(bodyOf(create)['Call-Direction'], 'inbound');
    assert.equal(mapper.adopt(listing, OUTAGE).length, 0, 'a second listing changes nothing');
  }
});

test('the listing of a call that was heard from its beginning changes nothing', () => {
  const { events } = recording('asterisk-22/ami/crash_restart');
  const mapper = createAsteriskMapper({ ...options(), interface: 'AMI' });
  for (const { event, received } of events) {
    if (received < 1_795_986_495_300) mapper.feed(event, received);
  }
  assert.deepEqual(namesOf(mapper.adopt(amiListing(), OUTAGE)), {});
});

test('what a listing no longer has ends, and a bridge that is gone is told', () => {
  const mapper = createAsteriskMapper({ ...options(), interface: 'ARI' });
  mapper.adopt(ariListing(), OUTAGE);
  const apart: readonly ListedLeg[] = readAriListing(
    (parsed('asterisk-22/listings/ari-channels.json') as SwitchEvent[]).filter(({ id }) => id !== 'pbx1-1795986494.5'),
    [],
  );
  const events = mapper.adopt(apart, { from: OUTAGE.to, to: OUTAGE.to + 9_000, restarted: false });
  assert.deepEqual(namesOf(events), {
    'pbx1-1795986493.2@pbx1': 'UNBRIDGE',
    'pbx1-1795986494.5@pbx1': 'DESTROY',
  });
  const end = bodyOf(events.find(({ name }) => name === 'CHANNEL_DESTROY'));
  assert.deepEqual([end['Hangup-Cause'], end['Msg-ID']], ['NONE', String((OUTAGE.to + 9_000) * 1_000)]);
});

test('a leg whose own beginning or end was received beside the listing keeps it', () => {
  for (const name of ['asterisk-22/ami/answered_caller_hangs_up', 'freeswitch-1.11/esl/answered_caller_hangs_up']) {
    const source = recording(name);
    const whole = mapAll(source.mapper({ holdMs: 0 }), source.events);
    const begun = new Set(whole.map(({ callId }) => callId));
    const fresh = source.mapper({ holdMs: 0 });
    const none = fresh.adopt(source.listing(Math.floor(source.events.length / 2)), { ...OUTAGE, begun });
    assert.deepEqual([...none, ...mapAll(fresh, source.events)], whole, `${name}: begins by its own CREATE`);

    const last = source.events.findLastIndex(({ event }) =>
      ['Hangup', 'CHANNEL_DESTROY'].includes(String(event['Event'] ?? event['Event-Name'])),
    );
    const heard = source.mapper({ holdMs: 0 });
    const before = source.events.slice(0, last).flatMap((one) => heard.feed(one.event, one.received).events);
    const open = new Set(heard.liveLegs());
    assert.equal(open.size, 1, name);
    assert.deepEqual(heard.adopt([], { ...OUTAGE, ended: open }), [], `${name}: its own DESTROY follows`);
    assert.deepEqual([...before, ...mapAll(heard, source.events.slice(last))], whole);
  }
});

const dumps = () =>
  read('freeswitch-1.11/listings/uuid-dump.json')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as SwitchEvent);

test('a listing of FreeSWITCH begins each leg; the account is in uuid_dump alone', () => {
  const listing = parsed('freeswitch-1.11/listings/show-channels.json');
  const [dump] = dumps();
  const core = String(dump?.['Core-UUID']);
  const known = String(dump?.['Unique-ID']);
  const mapper = createFreeswitchMapper(options());
  const outage = { from: 1_795_987_460_000, to: 1_795_987_461_000, restarted: false };
  const events = mapper.adopt(readChannels(listing, core, new Map([[known, dump ?? {}]])), outage);
  const legs = byLeg(events);
  assert.equal(legs.size, 4);
  for (const [callId, leg] of legs) {
    assert.equal(leg[0]?.name, 'CHANNEL_CREATE');
    assert.equal(leg[0]?.account, callId === known ? 'acme' : '');
    const body = bodyOf(leg[0]);
    assert.match(String(body['Msg-ID']), /^17959874(59|6\d)/);
    assert.equal(body['Channel-Call-State'], undefined, 'a synthetic CREATE claims no state');
  }
  assert.deepEqual(
    legs.get(known)?.map(({ name }) => name),
    ['CHANNEL_CREATE', 'CHANNEL_ANSWER'],
  );
  assert.equal(mapper.adopt(readChannels(listing, core, new Map()), outage).length, 0);
});

test('an event of the new life of a switch does not end what its listing began', () => {
  const { events } = recording('freeswitch-1.11/esl/crash_kill');
  const mapper = createFreeswitchMapper(options());
  const fresh = events.findIndex(({ event }) => event['Core-UUID'] !== events[0]?.event['Core-UUID']);
  for (const { event, received } of events.slice(0, fresh)) mapper.feed(event, received);
  const next = events[fresh]?.event ?? {};
  const listed = { id: 'other', event: { 'Core-UUID': next['Core-UUID'], 'FreeSWITCH-Switchname': 'fs1' } };
  const adopted = mapper.adopt([listed], { from: 1, to: 2, restarted: true });
  assert.equal(adopted.filter(({ synthetic }) => synthetic === 'switch_restarted').length, 4);
  mapper.feed(next, 3);
  assert.ok(mapper.liveLegs().includes('other'));
});
