import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimulatedEvent } from './simulator.ts';
import { createTimeline } from './timeline.ts';

const START = 1_763_979_370_000;
const ACCOUNTS = [
  { id: 'account_id_1', name: 'Acme', realm: 'acme.sip.example.com' },
  { id: 'account_id_2', name: 'Acme North', realm: 'north.acme.sip.example.com' },
];
const MINUTE = 60_000;

function timeline(from: number, options: { seed?: string; callsPerSecond?: number } = {}) {
  return createTimeline({ seed: 's', accounts: ACCOUNTS, callsPerSecond: 3, from, ...options });
}

const facts = (events: readonly SimulatedEvent[]) => events.map(({ eventId, json }) => [eventId, json]);

test('a reader that begins later sees the same events from then on, and none twice', () => {
  const later = START + 7 * MINUTE + 12_345;
  const end = START + 9 * MINUTE;
  const whole = timeline(START).next(end);
  assert.deepEqual(facts(timeline(later).next(end)), facts(whole.filter(({ at }) => at >= later)));
  assert.equal(new Set(whole.map(({ eventId }) => eventId)).size, whole.length);
});

test('where the steps are cut changes nothing', () => {
  const end = START + 3 * MINUTE;
  const steps = timeline(START);
  const walked: SimulatedEvent[] = [];
  for (let at = START; at <= end; at += 777) walked.push(...steps.next(at));
  walked.push(...steps.next(end));
  assert.deepEqual(facts(walked), facts(timeline(START).next(end)));
});

test('calls come at the wanted rate, across the windows of time', () => {
  const events = timeline(START).next(START + 30 * MINUTE);
  const calls = new Set(events.filter(({ name }) => name === 'CHANNEL_CREATE').map(({ eventId }) => eventId));
  const legs = calls.size / (30 * 60);
  // A call has two legs, a few calls have three.
  assert.ok(legs > 3 * 1.8 && legs < 3 * 2.3, `${legs} legs a second`);
});

test('events are in the order of time, and each leg that begins ends', () => {
  const events = timeline(START).next(START + 40 * MINUTE);
  assert.deepEqual(
    events.map(({ at }) => at),
    events.map(({ at }) => at).sort((one, other) => one - other),
  );
  const early = events.filter(({ at, name }) => name === 'CHANNEL_CREATE' && at < START + 20 * MINUTE);
  const ended = new Set(events.filter(({ name }) => name === 'CHANNEL_DESTROY').map(({ callId }) => callId));
  assert.ok(early.length > 1_000);
  assert.deepEqual(
    early.filter(({ callId }) => !ended.has(callId)),
    [],
  );
});

test('another seed or rate has calls of its own', () => {
  const ids = (options: { seed?: string; callsPerSecond?: number }) =>
    timeline(START, options)
      .next(START + MINUTE)
      .map(({ eventId }) => eventId);
  const known = new Set(ids({}));
  assert.ok(ids({ seed: 'other' }).every((id) => !known.has(id)));
  assert.ok(ids({ callsPerSecond: 4 }).every((id) => !known.has(id)));
});
