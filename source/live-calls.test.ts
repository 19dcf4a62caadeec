import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reduceCall } from '../protocol/call-state.ts';
import { callOf, callSchema, decodeCall, encodeCall, type CallRecord } from '../protocol/call.ts';
import type { MappedEvent } from './mapper.ts';
import { mapAll, recording, recordings } from './testing/recordings.ts';

type Table = Map<string, CallRecord>;

function apply(table: Table, event: MappedEvent): void {
  const { name, account, callId, eventId, at, json } = event;
  const leg = { name, account: account || 'none', callId, eventId, at };
  const after = reduceCall(table.get(callId), { ...leg, fields: JSON.parse(json) as Record<string, unknown> });
  if (after === null) table.delete(callId);
  // As it comes back from a table in Redis.
  else if (after !== undefined) table.set(callId, decodeCall(encodeCall(after)) ?? after);
}

/** The state of a leg, computed a second time from its events: the last one with a state decides. */
function plainState(events: readonly MappedEvent[]): string {
  let state = 'ringing';
  for (const { name } of events) {
    if (/^(CHANNEL_(ANSWER|BRIDGE|UNHOLD)|PARK_RETRIEVED)$/.test(name)) state = 'answered';
    if (name === 'CHANNEL_HOLD') state = 'held';
    if (name === 'PARK_PARKED') state = 'parked';
  }
  return state;
}

test('LC1: at every position of every recording the table holds the legs that began and did not end, in their state', () => {
  for (const { name, mapper, events } of recordings()) {
    const table: Table = new Map();
    const open = new Map<string, MappedEvent[]>();
    for (const event of mapAll(mapper(), events)) {
      apply(table, event);
      if (event.name === 'CHANNEL_DESTROY') open.delete(event.callId);
      else open.set(event.callId, [...(open.get(event.callId) ?? []), event]);
      const expected = new Map([...open].map(([callId, leg]) => [callId, plainState(leg)]));
      const found = new Map([...table].map(([callId, { state }]) => [callId, state]));
      assert.deepEqual(found, expected, `${name} after ${event.eventId}`);
    }
    assert.equal(table.size, 0, `${name}: no leg is left`);
  }
});

test('every call of every recording has all keys, in the form that clients are promised', () => {
  for (const { name, mapper, events } of recordings()) {
    const table: Table = new Map();
    for (const event of mapAll(mapper(), events)) {
      apply(table, event);
      for (const record of table.values()) assert.doesNotThrow(() => callSchema.parse(callOf(record)), name);
    }
  }
});

test('a table that begins after any line of a recording has no leg at its end', () => {
  for (const { name, mapper, events } of recordings()) {
    const mapped = mapAll(mapper(), events);
    for (let from = 0; from < mapped.length; from += 1) {
      const table: Table = new Map();
      for (const event of mapped.slice(from)) apply(table, event);
      assert.equal(table.size, 0, `${name} from ${from}`);
    }
  }
});

test('a switch that restarts leaves no leg in the table', () => {
  for (const { name, mapper, events } of recordings()) {
    for (let cut = 0; cut <= events.length; cut += 3) {
      const switched = mapper();
      const table: Table = new Map();
      const at = events[Math.min(cut, events.length - 1)]?.received ?? 0;
      const before = events.slice(0, cut).flatMap(({ event, received }) => switched.feed(event, received).events);
      const ends = switched.adopt([], { from: at, to: at + 1_000, restarted: true });
      for (const event of [...before, ...ends]) apply(table, event);
      assert.equal(table.size, 0, `${name} cut at ${cut}`);
    }
  }
});

test('a leg is held and resumed, parked in its slot and retrieved, recorded, bridged and separated', () => {
  const shown = (name: string, pick: (record: CallRecord) => unknown) => {
    const { mapper, events } = recording(name);
    const table: Table = new Map();
    const seen: unknown[] = [];
    for (const event of mapAll(mapper(), events)) {
      apply(table, event);
      const record = table.get(event.callId);
      const value = record && pick(record);
      if (record?.direction === 'inbound' && value !== seen.at(-1)) seen.push(value);
    }
    return seen;
  };
  assert.deepEqual(
    shown('freeswitch-1.11/esl/hold_unhold', ({ state }) => state),
    ['ringing', 'answered', 'held', 'answered'],
  );
  assert.deepEqual(
    shown('freeswitch-1.11/esl/valet_park_and_retrieve', ({ parking_slot }) => parking_slot),
    [null, '6001', null],
  );
  assert.deepEqual(
    shown('asterisk-22/ami/recorded', ({ recording }) => recording),
    [false, true, false],
  );
  const others = shown('freeswitch-1.11/esl/answered_caller_hangs_up', ({ other_call_id }) => other_call_id);
  assert.equal(others.length, 3);
  assert.deepEqual([others[0], others[2]], [null, null]);
});
