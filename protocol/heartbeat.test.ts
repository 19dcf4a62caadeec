import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeHeartbeat, encodeHeartbeat, heartbeatSchema, type Heartbeat } from './heartbeat.ts';

const HEARTBEAT: Heartbeat = {
  keys: ['k1', 'k0'],
  connections: 7,
  groups: { 'default/acme': 2 },
  revision: 'r1',
  leaving: true,
};

test('the heartbeat has these fields on the wire, and no others: another version reads them', () => {
  assert.deepEqual(Object.keys(heartbeatSchema.shape).toSorted(), [
    'calls',
    'connections',
    'directory',
    'groups',
    'hung',
    'keys',
    'leaving',
    'position',
    'revision',
  ]);
  assert.deepEqual(JSON.parse(encodeHeartbeat(HEARTBEAT)), HEARTBEAT);
  assert.deepEqual(decodeHeartbeat(encodeHeartbeat(HEARTBEAT)), HEARTBEAT);
});

test('a heartbeat that lacks a field or holds another type is unreadable; a key of a newer version is ignored', () => {
  for (const field of ['keys', 'connections', 'groups']) {
    const { [field]: _, ...rest }: Record<string, unknown> = { ...HEARTBEAT };
    assert.equal(decodeHeartbeat(JSON.stringify(rest)), null, field);
    assert.equal(decodeHeartbeat(JSON.stringify({ ...rest, [field]: 'x' })), null, field);
  }
  for (const text of [null, '', '7', 'null', '{"groups":7}']) assert.equal(decodeHeartbeat(text), null);
  assert.deepEqual(decodeHeartbeat(JSON.stringify({ ...HEARTBEAT, newer: 1 })), HEARTBEAT);
});
