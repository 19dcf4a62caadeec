import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keep, type Kept } from './kept.ts';
import { chooseVictims } from './overflow.ts';

const entry = (name: string, callId: string, arrivedAt = 20_000): Kept =>
  keep(
    { name, callId, account: 'acme', eventId: `${callId}.${name}`, position: '', at: 0, json: '{}', synthetic: null },
    arrivedAt,
  );
const first = entry('CHANNEL_CREATE', 'first', 0);
const leg = (id: string) => ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY'].map((name) => entry(name, id));
const namesOf = (victims: ReadonlySet<Kept>) => [...victims].map(({ event }) => event.eventId);

test('S3, S6: what is between begin and end of a leg is given up first, oldest first', () => {
  const events = [first, ...leg('a'), ...leg('b')];
  assert.deepEqual(namesOf(chooseVictims(events, { bytes: 1, events: 0 })), ['a.CHANNEL_ANSWER']);
  assert.deepEqual(namesOf(chooseVictims(events, { bytes: 0, events: 2 })), ['a.CHANNEL_ANSWER', 'b.CHANNEL_ANSWER']);
});

test('S3, S6: then whole legs, and no end of a leg that the log has begun', () => {
  const events = [first, ...leg('a'), entry('CHANNEL_DESTROY', 'known')];
  assert.deepEqual(namesOf(chooseVictims(events, { bytes: 0, events: 2 })), [
    'a.CHANNEL_ANSWER',
    'a.CHANNEL_CREATE',
    'a.CHANNEL_DESTROY',
  ]);
});

test('S6: at last the oldest, so that there is always room', () => {
  const events = [first, entry('CHANNEL_DESTROY', 'known'), ...leg('a')];
  assert.equal(chooseVictims(events, { bytes: 0, events: 5 }).size, 5);
  assert.equal(chooseVictims(events, { bytes: Infinity, events: 0 }).size, 5);
});
