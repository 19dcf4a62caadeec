import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sliceMembers } from '../../event-log/intake/json-slice.ts';
import type { Call } from '../../protocol/call.ts';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import {
  OPEN_PROFILE as ALL,
  profilesFor,
  pseudonym,
  PSEUDONYM_KEY,
  redactorFor,
  resourceWith,
} from '../testing/profiles.ts';

const show = (profile: object, event: object | string) =>
  redactorFor(profile)
    .event(Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)), 0)
    .toString();
const parsed = (profile: object, event: object) => JSON.parse(show(profile, event)) as Record<string, unknown>;

test('V3: what is not touched keeps its bytes, its order, its number form and repeated keys', () => {
  const event =
    ' { "Event-Name" : "CHANNEL_ANSWER","Timestamp": 63900000000.50, "Msg-ID":12345678901234567890,\n "Local-SDP":"v=0","App-Name":"a", "App-Name":"\\u0062" } ';
  assert.equal(
    show({ ...ALL, sdp: 'Drop' }, event),
    '{ "Event-Name" : "CHANNEL_ANSWER","Timestamp": 63900000000.50, "Msg-ID":12345678901234567890,"App-Name":"a", "App-Name":"\\u0062" }',
  );
  assert.equal(show(ALL, event), event.trim());
});

test('V2: a stricter profile adds no member, and changes none that a wider one hides already', () => {
  const event = {
    'Event-Name': 'CHANNEL_ANSWER',
    'Caller-ID-Number': '+4930123456',
    'Caller-ID-Name': 'Alice',
    From: '+4930123456@10.0.0.1:5060',
    'Local-SDP': 'v=0',
    'Custom-Channel-Vars': { 'Owner-ID': 'o', 'Account-Billing': 'x' },
    Mystery: 1,
  };
  const steps: object[] = [ALL];
  const stricter: readonly (readonly [string, unknown])[] = [
    ['numbers', 'Last4'],
    ['numbers', 'Pseudonym'],
    ['names', 'Pseudonym'],
    ['network', 'Drop'],
    ['billing', 'Drop'],
    ['variables', { policy: 'AllowList', allow: [] }],
    ['numbers', 'Drop'],
    ['names', 'Drop'],
    ['sdp', 'Drop'],
    ['unknownFields', 'Drop'],
  ];
  for (const [field, value] of stricter) steps.push({ ...steps.at(-1), [field]: value });
  const members = (profile: object) => sliceMembers(Buffer.from(show(profile, event))).map(({ key }) => key);
  for (const [at, profile] of steps.entries()) {
    const wider = members(steps[Math.max(0, at - 1)] ?? ALL);
    assert.ok(members(profile).every((key) => wider.includes(key)));
  }
  assert.deepEqual(parsed(steps.at(-1) ?? {}, event), { 'Event-Name': 'CHANNEL_ANSWER', 'Custom-Channel-Vars': {} });
});

test('V4: a field that no table has goes with unknownFields: Drop, an object in its place too', () => {
  const event = { 'Event-Name': 'A', New: 1, 'App-Name': { nested: 'x' } };
  assert.deepEqual(parsed({ ...ALL, unknownFields: 'Drop' }, event), { 'Event-Name': 'A' });
  assert.deepEqual(parsed(ALL, event), event);
});

test('the same number has the same pseudonym in every spelling, field, event and live call', () => {
  const profile = { ...ALL, numbers: 'Pseudonym' };
  const shown = parsed(profile, {
    'Caller-ID-Number': '+49 30 123456',
    'Callee-ID-Number': '004930123456',
    From: '4930123456@a.example.com',
  });
  const expected = pseudonym('p', '4930123456', 0);
  assert.deepEqual(shown, {
    'Caller-ID-Number': expected,
    'Callee-ID-Number': expected,
    From: `${expected}@a.example.com`,
  });
  const unknown = { to: null, callee_number: null, dialled_number: null, caller_name: null, callee_name: null };
  const call = { ...unknown, from: '+4930123456@a.example.com', caller_number: '+4930123456' } as Call;
  const { from, caller_number } = redactorFor(profile).call(call, 0);
  assert.deepEqual([from, caller_number], [`${expected}@a.example.com`, expected]);
});

test('Last4 keeps four digits and the length, extensions whole, and masks all that is no number', () => {
  const of = (number: unknown) =>
    parsed({ ...ALL, numbers: 'Last4' }, { 'Caller-ID-Number': number })['Caller-ID-Number'];
  assert.deepEqual(['+15555550100', '1001', 'user_alice', 15_555_550_100, null].map(of), [
    '********0100',
    '1001',
    '********',
    '*******0100',
    null,
  ]);
});

test('an address of the platform is hidden behind a user part that is shown; a realm stays', () => {
  const of = (from: string) => parsed({ ...ALL, network: 'Drop' }, { From: from })['From'];
  assert.equal(of('1001@10.0.0.1:5060'), '1001@hidden');
  assert.equal(of('1001@[2001:db8::1]'), '1001@hidden');
  assert.equal(of('1001@a.example.com'), '1001@a.example.com');
});

test('a rule for a field comes before its class; none can be for what every event has', () => {
  const fields = [
    { name: 'Local-SDP', action: 'Keep' },
    { name: 'App-Name', action: 'Drop' },
  ];
  assert.deepEqual(
    parsed({ fields }, { 'Event-Name': 'A', 'Local-SDP': 'v=0', 'App-Name': 'x', 'Remote-SDP': 'v=0' }),
    {
      'Event-Name': 'A',
      'Local-SDP': 'v=0',
    },
  );
  const refused = resourceWith({ profiles: [{ name: 'p', fields: [{ name: 'call-id', action: 'Drop' }] }] });
  assert.match(subscriptionSchema.safeParse(refused).error?.message ?? '', /no rule names them/);
});

test('a default that is no profile is refused; without one nothing is changed', () => {
  assert.match(subscriptionSchema.safeParse(resourceWith({ default: 'x' })).error?.message ?? '', /names a profile/);
  assert.equal(profilesFor().profiles.of([]), null);
});

test('V5: neither the key nor a number is to be found in what a profile says of itself', () => {
  const made = redactorFor({});
  made.event(Buffer.from('{"Event-Name":"A","Caller-ID-Number":"+4930123456"}'), 0);
  assert.ok(!JSON.stringify(made).includes(PSEUDONYM_KEY));
  assert.deepEqual(Object.keys(made), ['name', 'version', 'event', 'call']);
});

test('a rule for a field is one for the key of a live call that comes from it', () => {
  const unknown = { from: null, to: null, callee_number: null, dialled_number: null, callee_name: null };
  const known = { caller_number: '1001', caller_name: 'Alice', owner_id: 'o', parking_slot: '7' };
  const call = { ...unknown, ...known } as Call;
  const shown = redactorFor({
    ...ALL,
    names: 'Drop',
    fields: [
      { name: 'caller-id-number', action: 'Drop' },
      { name: 'Parking-Slot', action: 'Drop' },
      { name: 'Caller-ID-Name', action: 'Keep' },
    ],
  }).call(call, 0);
  const { caller_number, caller_name, owner_id, parking_slot } = shown;
  assert.deepEqual([caller_number, caller_name, owner_id, parking_slot], [null, 'Alice', 'o', null]);
});
