import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callOf, type CallRecord } from '../protocol/call.ts';
import { reduceCall as reduceOfTable } from '../protocol/call-state.ts';
import { KNOWN_EVENTS } from '../protocol/catalogue.ts';
import { createRandom } from '../protocol/simulator/random.ts';
import { createSimulator } from '../protocol/simulator/simulator.ts';
import { reduceCall, type Leg } from './typescript/src/call-state.ts';

const ACCOUNT = { id: 'north', name: 'north', realm: 'north.sip.example.com' };
const START = 1_763_979_370_000;

interface LegEvent {
  readonly name: string;
  readonly callId: string;
  readonly at: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Calls in their real order, and events of any name in any order. */
function* events(): Iterable<LegEvent> {
  const simulator = createSimulator({ seed: 3, accounts: [ACCOUNT], callsPerSecond: 20, startAt: START });
  for (const [n, { name, callId, json }] of simulator.next(START + 120_000).entries()) {
    yield { name, callId, at: START + n, fields: JSON.parse(json) as LegEvent['fields'] };
  }
  const random = createRandom('calls');
  for (let n = 0; n < 5_000; n += 1) {
    const texts = (...names: string[]) =>
      Object.fromEntries(
        names.filter(() => random.chance(0.4)).map((name) => [name, random.pick(['', 'a', 'a@b', 7])]),
      );
    const fields = {
      ...texts(
        'From',
        'To',
        'Request',
        'Caller-ID-Number',
        'Caller-ID-Name',
        'Callee-ID-Number',
        'Parking-Slot',
        'Node',
      ),
      ...texts('Other-Leg-Call-ID', 'Bridge-B-Unique-ID', 'Replaced-By', 'Intercepted-By', 'Caller-Destination-Number'),
      'Call-Direction': random.pick(['inbound', 'outbound', 'sideways', null]),
      'Channel-Answer-State': random.pick(['ringing', 'answered', 'hangup']),
      'Channel-Created-Time': random.pick(['1763979370000000', '1', 1_763_979_370_000_000, '9763979370000000']),
      'Custom-Channel-Vars': texts('Owner-ID', 'Authorizing-ID', 'Authorizing-Type', 'Call-Interaction-ID'),
    };
    const name = random.pick([...KNOWN_EVENTS, 'SCREEN_POP']);
    yield { name, callId: `leg-${random.integer(1, 50)}`, at: START + n * 1_000, fields };
  }
}

test('L15: the TypeScript client has the same state of a call as the table of the gateway', () => {
  const table = new Map<string, CallRecord>();
  const client = new Map<string, Leg>();
  for (const [n, { name, callId, at, fields }] of [...events()].entries()) {
    const eventId = `e${n}`;
    const record = reduceOfTable(table.get(callId), {
      name,
      account: ACCOUNT.id,
      callId,
      eventId,
      at,
      fields,
    });
    if (record === null) table.delete(callId);
    else if (record !== undefined) table.set(callId, record);
    const leg = reduceCall(client.get(callId), {
      type: 'event',
      event: { ...fields, 'Event-Name': name, 'Call-ID': callId },
      id: eventId,
      cursor: '',
      account: ACCOUNT.id,
      ingestedAt: new Date(at).toISOString(),
    });
    if (leg === null) client.delete(callId);
    else if (leg !== undefined) client.set(callId, leg);
    const expected = table.get(callId);
    assert.deepEqual(client.get(callId)?.call, expected === undefined ? undefined : callOf(expected), `${n} ${name}`);
  }
});
