import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKnownEvent, judgeName, KNOWN_EVENTS } from './catalogue.ts';

test('every event of the catalogue is forwarded', () => {
  for (const name of KNOWN_EVENTS) assert.equal(judgeName(name), 'forward', name);
  assert.equal(new Set(KNOWN_EVENTS).size, KNOWN_EVENTS.length);
});

test('the internal messages of the bus are dropped, not reported', () => {
  const internal = ['LEG_CREATED', 'LEG_DESTROYED', 'CHANNEL_PIVOT', 'CHANNEL_SYNC', 'CHANNEL_DATA', 'CALL_UPDATE'];
  const others = ['PRESENCE_IN', 'CHANNEL_EXECUTE', 'CHANNEL_EXECUTE_COMPLETE', 'dialplan', 'usurp_control'];
  for (const name of [...internal, ...others, 'kazoo::noop']) {
    assert.equal(judgeName(name), 'drop', name);
    assert.ok(!isKnownEvent(name), name);
  }
});

test('an unknown name is forwarded when it is well-formed, and cannot be filtered by', () => {
  assert.equal(judgeName('CHANNEL_TELEPORTED'), 'forward');
  assert.equal(judgeName(`A${'B'.repeat(63)}`), 'forward');
  assert.ok(!isKnownEvent('CHANNEL_TELEPORTED'));
});

test('a name that was added by configuration can be filtered by', () => {
  assert.ok(isKnownEvent('CHANNEL_TELEPORTED', ['CHANNEL_TELEPORTED']));
});

test('whatever else stands for a name is a fault of the producer', () => {
  for (const name of [
    '',
    'A',
    `A${'B'.repeat(64)}`,
    'CHANNEL ANSWER',
    'CHANNEL_ANSWER\n',
    '1ST',
    undefined,
    null,
    7,
    {},
  ]) {
    assert.equal(judgeName(name), 'malformed', JSON.stringify(name));
  }
});
