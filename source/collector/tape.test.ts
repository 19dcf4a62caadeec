import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RingBudget } from './kept.ts';
import { Tape } from './tape.ts';

const event = (eventId: string) => ({
  name: 'CHANNEL_ANSWER',
  account: 'acme',
  callId: 'one',
  eventId,
  position: '',
  at: 0,
  json: '{}',
  synthetic: null,
});
const begin = (tape: Tape, from: number) => tape.begin({ from, instance: 'one', adopted: [] });
const open = () => new Tape(new RingBudget({ maxBytes: 1_000_000, maxEvents: 1_000 }));
const keptBy = ({ segments }: Tape) => segments.flatMap(({ queue }) => [...queue].map((one) => one.event.eventId));
const joined = ({ segments }: Tape) => segments.map((segment) => segment.joined);

test("S4: the log's last event does not show that a segment misses nothing, the position's time does", () => {
  const tape = open();
  begin(tape, 10_000);
  tape.push(event('last'), 10_100);
  // The leader holds a CREATE since 9.5 s: this replica never received it.
  tape.drop({ id: 'last', until: 9_500, safe: 0 });
  assert.deepEqual(joined(tape), [false]);
  tape.drop({ id: 'last', until: 10_000, safe: 0 });
  assert.deepEqual(joined(tape), [true]);
});

test('S1: the time before a short break keeps what the leader may still hold, and drops the rest', () => {
  const tape = open();
  begin(tape, 5_000);
  tape.push(event('old'), 6_000);
  tape.push(event('held'), 9_500);
  tape.end(9_600);
  begin(tape, 10_000);
  tape.push(event('last'), 10_100);
  tape.drop({ id: 'last', until: 9_400, safe: 0 });
  assert.deepEqual(keptBy(tape), ['held', 'last']);
  assert.deepEqual(joined(tape), [true, false]);
});
