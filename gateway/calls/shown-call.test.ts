import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reduceCall } from '../../protocol/call-state.ts';
import { callOf, type CallRecord } from '../../protocol/call.ts';
import { shownTo } from './shown-call.ts';

const AT = Date.parse('2026-01-31T09:30:00Z');

/** A leg after these events, a second apart. */
function after(...events: readonly (readonly [name: string, fields?: object])[]): CallRecord {
  let record: CallRecord | undefined;
  for (const [n, [name, fields = {}]] of events.entries()) {
    const event = { name, account: 'acme', callId: 'leg', eventId: `event-${n}`, at: AT + n * 1_000 };
    record = reduceCall(record, { ...event, fields: { ...fields } }) ?? record;
  }
  assert.ok(record);
  return record;
}

const BEGUN = [['CHANNEL_CREATE'], ['CHANNEL_ANSWER']] as const;
const without = (...hidden: readonly string[]) => shownTo((name) => !hidden.includes(name));

test('who gets every event sees the call as it is', () => {
  const record = after(...BEGUN, ['CHANNEL_HOLD']);
  assert.deepEqual(without()(record), callOf(record));
});

test('LC2: a state is hidden with the events that say it, in both directions', () => {
  const cases = [
    { record: after(...BEGUN, ['CHANNEL_HOLD']), events: ['CHANNEL_HOLD', 'CHANNEL_UNHOLD'] },
    { record: after(...BEGUN, ['PARK_PARKED', { 'Parking-Slot': '6001' }]), events: ['PARK_PARKED', 'PARK_RETRIEVED'] },
    { record: after(...BEGUN, ['CHANNEL_DISCONNECTED']), events: ['CHANNEL_DISCONNECTED', 'CHANNEL_CONNECTED'] },
  ];
  for (const { record, events } of cases) {
    for (const hidden of events) {
      const { state, state_since, parking_slot } = without(hidden)(record);
      assert.deepEqual([state, state_since, parking_slot], ['answered', record.answered_at, null], hidden);
    }
    assert.notEqual(without('DTMF')(record).state, 'answered');
  }
});

test('LC2: a recording and the other leg are hidden with the events that say them', () => {
  const record = after(...BEGUN, ['CHANNEL_BRIDGE', { 'Other-Leg-Call-ID': 'other' }], ['RECORD_START']);
  assert.equal(without('RECORD_STOP')(record).recording, false);
  assert.equal(without('CHANNEL_BRIDGE')(record).other_call_id, null);
  const { recording, other_call_id } = without('CHANNEL_HOLD')(record);
  assert.deepEqual([recording, other_call_id], [true, 'other']);
});

test('LC2: a leg whose switch is lost shows what it did before, and nothing of that which is hidden too', () => {
  const record = after(...BEGUN, ['CHANNEL_HOLD'], ['CHANNEL_DISCONNECTED']);
  assert.equal(without('CHANNEL_DISCONNECTED')(record).state, 'held');
  assert.equal(without('CHANNEL_DISCONNECTED', 'CHANNEL_HOLD')(record).state, 'answered');
  assert.equal(without('CHANNEL_HOLD')(after(['CHANNEL_CREATE'], ['CHANNEL_DISCONNECTED'])).state, 'uncertain');
  assert.equal(without('CHANNEL_CONNECTED')(after(['CHANNEL_CREATE'], ['CHANNEL_DISCONNECTED'])).state, 'ringing');
});
