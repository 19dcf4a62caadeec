import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callOf, callSchema, CALL_KEYS, decodeCall, encodeCall, TOUCH_MS, type CallRecord } from './call.ts';
import { reduceCall, type LegEvent } from './call-state.ts';

const START = Date.parse('2026-01-31T09:30:00Z');

function event(name: string, fields: Record<string, unknown> = {}, after = 0): LegEvent {
  const eventId = `${name}.${after}`;
  return { name, account: 'acme', callId: 'leg-1', eventId, at: START + after, fields };
}

/** The record after all of these; undefined when there is none. */
function after(...events: readonly LegEvent[]): CallRecord | undefined {
  let record: CallRecord | undefined;
  for (const one of events) {
    const next = reduceCall(record, one);
    if (next !== undefined) record = next ?? undefined;
  }
  return record;
}

const CREATE = event('CHANNEL_CREATE', {
  'Call-Direction': 'inbound',
  From: '1001@acme.example.com',
  To: '1002@acme.example.com',
  Request: '1002@acme.example.com',
  'Caller-ID-Number': '1001',
  Node: 'freeswitch@fs001',
  'Channel-Created-Time': (START - 40) * 1_000,
  'Custom-Channel-Vars': { 'Owner-ID': 'owner', 'Authorizing-Type': 'device', 'Authorizing-ID': 'device' },
});

test('a CREATE makes a ringing leg that says what the event says, and null for the rest', () => {
  const call = callOf(after(CREATE) as CallRecord);
  assert.deepEqual(Object.keys(call), CALL_KEYS);
  assert.deepEqual(callSchema.parse(call), call);
  assert.equal(call.state, 'ringing');
  assert.equal(call.created_at, '2026-01-31T09:29:59.960Z');
  assert.equal(call.state_since, '2026-01-31T09:30:00.000Z');
  assert.deepEqual([call.owner_id, call.device_id, call.switch], ['owner', 'device', 'freeswitch@fs001']);
  assert.deepEqual([call.dialled_number, call.callee_number, call.answered_at], ['1002', null, null]);
});

test('the switch of a leg is the pseudonym that its source gives, and Node where there is none; never that of an application', () => {
  const switchOf = (said: LegEvent) => after(said)?.switch;
  const pseudonym = { 'Firehose-Switch': 'sw-0123456789abcdef' };
  assert.equal(switchOf(event('CHANNEL_CREATE', { ...pseudonym, Node: 'freeswitch@fs1' })), 'sw-0123456789abcdef');
  assert.equal(switchOf(event('PARK_RETRIEVED', { Node: 'callflow@apps' })), null);
  assert.equal(switchOf(event('PARK_RETRIEVED', pseudonym)), 'sw-0123456789abcdef');
});

test('an answer is dated once, and what CREATE said stays when later events say less', () => {
  const call = after(CREATE, event('CHANNEL_ANSWER', {}, 1_000), event('CHANNEL_BRIDGE', { To: 'other' }, 2_000));
  assert.equal(call?.answered_at, '2026-01-31T09:30:01.000Z');
  assert.equal(call?.state_since, '2026-01-31T09:30:01.000Z');
  assert.equal(call?.to, '1002@acme.example.com');
  assert.equal(call?.last_event_id, 'CHANNEL_BRIDGE.2000');
});

test('a leg is ended by its DESTROY, and what its switch says after that does not bring it back', () => {
  assert.equal(reduceCall(after(CREATE), event('CHANNEL_DESTROY')), null);
  assert.equal(reduceCall(undefined, event('CHANNEL_DESTROY')), undefined);
  const stragglers = ['RECORD_STOP', 'PARK_ABANDONED', 'CHANNEL_UNBRIDGE', 'CHANNEL_TRANSFEREE', 'DTMF', 'ANY_OTHER'];
  for (const name of stragglers) assert.equal(reduceCall(undefined, event(name)), undefined, name);
  assert.equal(reduceCall(undefined, event('CHANNEL_BRIDGE', { 'Channel-Answer-State': 'hangup' })), undefined);
});

test('a table that begins in the middle of a call learns the leg by what it does', () => {
  const states = {
    CHANNEL_PROGRESS: 'ringing',
    CHANNEL_ANSWER: 'answered',
    CHANNEL_HOLD: 'held',
    PARK_PARKED: 'parked',
  };
  for (const [name, state] of Object.entries(states)) assert.equal(after(event(name))?.state, state);
  assert.equal(after(event('CHANNEL_PROGRESS', { 'Channel-Answer-State': 'answered' }))?.state, 'answered');
});

test('a leg whose switch is lost is uncertain, and is what it was once its switch says anything of it', () => {
  const held = [CREATE, event('CHANNEL_ANSWER'), event('CHANNEL_HOLD', {}, 5)];
  const lost = after(...held, event('CHANNEL_DISCONNECTED', {}, 1_000), event('CHANNEL_DISCONNECTED', {}, 2_000));
  assert.deepEqual(
    [lost?.state, lost?.state_before, lost?.state_since],
    ['uncertain', 'held', '2026-01-31T09:30:01.000Z'],
  );
  for (const name of ['CHANNEL_CONNECTED', 'DTMF', 'RECORD_START']) {
    const found = reduceCall(lost, event(name, {}, 3_000));
    assert.deepEqual([found?.state, found?.state_before], ['held', null], name);
  }
  assert.equal(reduceCall(lost, event('CHANNEL_UNHOLD'))?.state, 'answered');
});

test('an event that changes nothing writes nothing, but for the time at which the leg spoke', () => {
  const call = after(CREATE, event('CHANNEL_ANSWER'));
  for (const name of ['DTMF', 'CHANNEL_PROGRESS', 'CHANNEL_CREATE', 'CHANNEL_CONNECTED', 'CALL_SECURE']) {
    assert.equal(reduceCall(call, event(name, {}, TOUCH_MS - 1)), undefined, name);
    assert.deepEqual(reduceCall(call, event(name, {}, TOUCH_MS)), { ...call, last_ms: START + TOUCH_MS }, name);
  }
});

test('a record is as long as its texts may be, whatever a producer sends', () => {
  const long = 'x'.repeat(100_000);
  const call = after(event('CHANNEL_CREATE', { From: long, To: [long], 'Caller-ID-Name': 7, Node: { long } }));
  assert.deepEqual([call?.from?.length, call?.to, call?.caller_name, call?.switch], [256, null, '7', null]);
  assert.equal(after({ ...CREATE, callId: long }), undefined);
  assert.equal(after({ ...CREATE, account: '' }), undefined);
});

test('variables that are no object, and times that are none, are not an error', () => {
  for (const odd of [null, 'text', 7, [1]]) {
    const call = after(event('CHANNEL_CREATE', { 'Custom-Channel-Vars': odd, 'Channel-Created-Time': odd }));
    assert.deepEqual([call?.owner_id, call?.created_at], [null, '2026-01-31T09:30:00.000Z']);
  }
  const ahead = { 'Channel-Created-Time': '9999999999999999' };
  assert.equal(after(event('CHANNEL_CREATE', ahead))?.created_at, '2026-01-31T09:30:00.000Z');
});

test('a record comes back as it was written, with the keys of a newer version, and what is unreadable is null', () => {
  const call = { ...(after(CREATE) as CallRecord), of_a_newer_version: [1] };
  assert.deepEqual(decodeCall(encodeCall(call)), call);
  for (const text of ['', '{', '[]', '{"call_id":"x"}']) assert.equal(decodeCall(text), null);
});
