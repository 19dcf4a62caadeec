import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKnownEvent, judgeName } from '../catalogue.ts';
import { createCallQueue } from './call-queue.ts';
import { SCENARIOS, writeCall } from './call-scenario.ts';
import type { Step } from './call-script.ts';
import { createRandom } from './random.ts';
import { createSimulator, type SimulatedEvent } from './simulator.ts';

const START = 1_763_979_370_000;
const ACCOUNTS = [
  { id: '91eb05e5c68d7ca05e7618b6821d2d16', name: 'Acme', realm: 'acme.sip.example.com' },
  { id: 'account0000000000000000000000002', name: 'Acme North', realm: 'north.acme.sip.example.com' },
] as const;
const words = (text: string) => text.trim().split(/\s+/);
const HEADERS = words('Event-Category Event-Name Msg-ID Call-ID Node App-Name App-Version Custom-Channel-Vars');
const BLOCK = [...HEADERS, ...words('Timestamp Origination-Call-ID Channel-Created-Time Custom-Application-Vars')];
const COMMON = [
  ...BLOCK,
  ...words(`
    Call-Direction Channel-State Channel-Call-State Channel-Name Channel-Answer-State User-Agent
    Caller-ID-Number Caller-ID-Name Callee-ID-Number Callee-ID-Name Caller-Destination-Number
    Other-Leg-Direction Other-Leg-Caller-ID-Name Other-Leg-Caller-ID-Number Other-Leg-Destination-Number
    Other-Leg-Call-ID`),
];
const ADDRESSES = ['Request', 'To', 'From'];
const DURATIONS = ['Duration-Seconds', 'Ringing-Seconds', 'Billing-Seconds'];
const PARK = [...HEADERS, 'Caller-ID-Number', 'Caller-ID-Name', 'Callee-ID-Number', 'Callee-ID-Name', 'Parking-Slot'];

/**
 * Allowed fields of each event: the headers in Kazoo 4.3's event profile (2600hz/kazoo dcf86cbc6d,
 * applications/ecallmgr/priv/mod_kazoo) that its bus lets through (kapi_call); PARK_* by schemas/kapi.call.event.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  CHANNEL_CREATE: [...COMMON, ...ADDRESSES],
  CHANNEL_PROGRESS: [...COMMON, ...ADDRESSES],
  CHANNEL_ANSWER: [...COMMON, ...ADDRESSES],
  CHANNEL_BRIDGE: [...COMMON, 'Bridge-B-Unique-ID'],
  CHANNEL_UNBRIDGE: [...COMMON, 'Bridge-B-Unique-ID'],
  CHANNEL_HOLD: COMMON,
  CHANNEL_UNHOLD: COMMON,
  CHANNEL_TRANSFEROR: COMMON,
  CHANNEL_TRANSFEREE: COMMON,
  RECORD_START: [...COMMON, 'Recording'],
  RECORD_STOP: [...COMMON, ...ADDRESSES, 'Recording', 'Length'],
  // Without DTMF-Digit: fields that sources hide are also hidden in the example.
  DTMF: [...BLOCK, 'DTMF-Duration'],
  CHANNEL_DESTROY: [...COMMON, ...ADDRESSES, ...DURATIONS, 'Hangup-Cause', 'Hangup-Code', 'Disposition'],
  PARK_PARKED: PARK,
  PARK_RETRIEVED: PARK,
  PARK_ABANDONED: PARK,
};

function simulate(
  seconds: number,
  options: { seed?: number | string; callsPerSecond?: number; startAt?: number } = {},
) {
  return createSimulator({ seed: 's', accounts: ACCOUNTS, callsPerSecond: 5, startAt: START, ...options }).next(
    (options.startAt ?? START) + seconds * 1_000,
  );
}

const parse = (event: SimulatedEvent) => JSON.parse(event.json) as Record<string, unknown>;
const long = simulate(600);

test('every event holds what an event must hold, and says the same beside its body', () => {
  for (const event of long) {
    const body = parse(event);
    for (const header of HEADERS) assert.ok(body[header], `${event.name} without ${header}`);
    assert.equal(body['Event-Category'], 'call_event');
    assert.equal(body['Event-Name'], event.name);
    assert.equal(body['Call-ID'], event.callId);
    assert.equal((body['Custom-Channel-Vars'] as Record<string, unknown>)['Account-ID'], event.account);
    assert.ok(ACCOUNTS.some(({ id }) => id === event.account));
    assert.match(event.eventId, /^[A-Za-z0-9._:-]{1,128}$/);
    assert.equal(judgeName(event.name), 'forward');
    assert.ok(isKnownEvent(event.name));
  }
});

test('an event carries only fields that a real one of its name can carry', () => {
  const seen = new Set<string>();
  for (const event of long) {
    const allowed = ALLOWED[event.name];
    assert.ok(allowed, event.name);
    for (const field of Object.keys(parse(event))) assert.ok(allowed.includes(field), `${event.name} with ${field}`);
    seen.add(event.name);
  }
  assert.deepEqual([...seen].sort(), Object.keys(ALLOWED).sort());
});

test('an event is of the size of a real one', () => {
  for (const { name, json } of long) assert.ok(json.length >= 600 && json.length <= 1_700, `${name}: ${json.length}`);
});

test('events come in time order, and each leg begins with CREATE and ends with DESTROY', () => {
  // Only calls that began early enough to have ended in any case.
  const legs = new Map<string, SimulatedEvent[]>();
  let before = 0;
  for (const event of long) {
    assert.ok(event.at >= before);
    before = event.at;
    legs.set(event.callId, [...(legs.get(event.callId) ?? []), event]);
  }
  let ended = 0;
  for (const events of legs.values()) {
    const names = events.map(({ name }) => name);
    assert.equal(names.lastIndexOf('CHANNEL_CREATE'), 0, names.join());
    const end = names.indexOf('CHANNEL_DESTROY');
    if (end < 0) continue;
    ended += 1;
    assert.equal(end, names.length - 1, names.join());
  }
  assert.ok(ended > legs.size * 0.8);
});

test('a bridge names its other leg, and that leg exists', () => {
  const legs = new Set(long.map(({ callId }) => callId));
  for (const event of long.filter(({ name }) => name === 'CHANNEL_BRIDGE')) {
    const body = parse(event);
    assert.ok(legs.has(String(body['Other-Leg-Call-ID'])));
    assert.equal(body['Bridge-B-Unique-ID'], body['Other-Leg-Call-ID']);
  }
});

test('times are in the units of a switch: microseconds, Gregorian seconds', () => {
  for (const event of long) {
    const body = parse(event);
    if (event.name.startsWith('PARK_')) {
      assert.equal(body['Timestamp'], undefined);
      assert.match(String(body['Msg-ID']), /^[0-9a-f]{32}$/);
      continue;
    }
    const milliseconds = Number(body['Msg-ID']) / 1_000;
    assert.ok(Math.abs(milliseconds - event.at) <= 20);
    assert.ok(Math.abs(Number(body['Timestamp']) - 62_167_219_200 - milliseconds / 1_000) <= 1);
  }
});

test('the first CREATE of a call has no interaction id yet, the later events of the call have', () => {
  const variables = (event: SimulatedEvent) => parse(event)['Custom-Channel-Vars'] as Record<string, unknown>;
  const [first] = long;
  assert.ok(first);
  assert.equal(variables(first)['Call-Interaction-ID'], undefined);
  for (const event of long.filter(({ name }) => name !== 'CHANNEL_CREATE')) {
    assert.match(String(variables(event)['Call-Interaction-ID']), /^\d{11}-[0-9a-f]{8}$/);
  }
});

test('the same options give the same bytes, in however many steps the time is walked', () => {
  const options = { seed: 'steps', accounts: ACCOUNTS, callsPerSecond: 3, startAt: START };
  const whole = createSimulator(options).next(START + 120_000);
  const stepped = createSimulator(options);
  const pieces: SimulatedEvent[] = [];
  for (let time = START; time < START + 120_000; time += 137) pieces.push(...stepped.next(time));
  pieces.push(...stepped.next(START + 120_000));
  assert.deepEqual(pieces, whole);
});

test('another seed or another start gives other calls', () => {
  const ids = (events: readonly SimulatedEvent[]) => new Set(events.map(({ eventId }) => eventId));
  const one = ids(simulate(60));
  for (const other of [ids(simulate(60, { seed: 't' })), ids(simulate(60, { startAt: START + 1 }))]) {
    assert.ok(other.size > 0);
    assert.equal([...other].filter((id) => one.has(id)).length, 0);
  }
});

test('ids of events are unique within a run', () => {
  assert.equal(new Set(long.map(({ eventId }) => eventId)).size, long.length);
});

test('calls begin at the rate that was asked for', () => {
  const calls = new Set(long.map(({ eventId }) => eventId.slice(0, eventId.lastIndexOf('-')))).size;
  // 3,000 expected, of a Poisson process: the deviation is 55.
  assert.ok(calls > 2_780 && calls < 3_220, String(calls));
});

test('every scenario occurs about as often as it should', () => {
  const counts = new Map<string, number>();
  for (let call = 0; call < 5_000; call += 1) {
    const { name } = writeCall(createRandom(`scenarios/${call}`), ACCOUNTS[0], START);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  let total = 0;
  for (const [scenario, percent] of Object.entries(SCENARIOS)) {
    const share = (counts.get(scenario) ?? 0) / 50;
    // The deviation of a share of 5,000 is at most 0.71 %.
    assert.ok(Math.abs(share - percent) < 2.5, `${scenario}: ${share} %`);
    total += percent;
  }
  assert.equal(total, 100);
});

test('a call that has ended is forgotten', () => {
  const { steps } = writeCall(createRandom('queue'), ACCOUNTS[0], START).script;
  const queue = createCallQueue();
  assert.equal(queue.nextAt(), Number.POSITIVE_INFINITY);
  const facts = { account: ACCOUNTS[0], interactionId: '', firstLeg: (steps[0] as Step).leg };
  for (const number of [2, 0, 1]) queue.add({ number, steps, facts, eventIds: '', done: 0 });
  assert.equal(queue.nextAt(), START);
  assert.deepEqual([queue.take().number, queue.take().number, queue.take().number], [0, 1, 2]);
  assert.throws(() => queue.take(), RangeError);
});

test('without accounts or at rate 0 nothing happens, and a rate that is none is refused', () => {
  assert.deepEqual(simulate(60, { callsPerSecond: 0 }), []);
  const nobody = createSimulator({ seed: 1, accounts: [], callsPerSecond: 9, startAt: START });
  assert.deepEqual(nobody.next(START + 9_000), []);
  for (const callsPerSecond of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => simulate(1, { callsPerSecond }), RangeError);
  }
});
