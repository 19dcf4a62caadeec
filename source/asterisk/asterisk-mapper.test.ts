import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapAll, recording } from '../testing/recordings.ts';

test('a parked call that is given up says so before it ends, also when Asterisk says it after the end', () => {
  const { mapper, events } = recording('asterisk-16/ami/park_and_abandon');
  const givenUp = events.findIndex(({ event }) => event['Event'] === 'ParkedCallGiveUp');
  const late = [...events.toSpliced(givenUp, 1), ...events.slice(givenUp, givenUp + 1)];
  for (const order of [events, late]) {
    const mapped = mapAll(mapper(), order).filter(({ callId }) => callId.startsWith(parkee(events[givenUp])));
    assert.deepEqual(
      mapped.slice(-2).map(({ name }) => name),
      ['PARK_ABANDONED', 'CHANNEL_DESTROY'],
    );
    assert.equal(mapped.filter(({ name }) => name === 'PARK_ABANDONED').length, 1);
    const [parked, abandoned] = mapped.filter(({ name }) => name.startsWith('PARK_')).map(({ json }) => slotOf(json));
    assert.ok(parked !== undefined && parked === abandoned);
    assert.equal(mapped.at(-2)?.synthetic, order === late ? 'missed' : null);
  }
});

const parkee = (recorded: ReturnType<typeof recording>['events'][number] | undefined) =>
  `${String(recorded?.event['ParkeeUniqueid'])}@`;
const slotOf = (json: string): unknown => (JSON.parse(json) as Record<string, unknown>)['Parking-Slot'];

test('a replica that joins after the answer makes an ANSWER with the id of the real one', () => {
  for (const name of ['asterisk-22/ami/answered_caller_hangs_up', 'asterisk-22/ari/answered_caller_hangs_up']) {
    const { mapper, events } = recording(name);
    const answers = (mapped: ReturnType<typeof mapAll>) => mapped.filter((event) => event.name === 'CHANNEL_ANSWER');
    const real = answers(mapAll(mapper(), events));
    const bridged = events.findIndex(({ event }) => /^(BridgeEnter|ChannelEnteredBridge)$/.test(nameOf(event)));
    const made = answers(mapAll(mapper(), events.slice(bridged)));
    assert.ok(made.length === 2 && made.every(({ synthetic }) => synthetic === 'missed'), name);
    assert.deepEqual(new Set(made.map(({ eventId }) => eventId)), new Set(real.map(({ eventId }) => eventId)));
  }
});

const nameOf = (event: Readonly<Record<string, unknown>>) => String(event['Event'] ?? event['type']);
