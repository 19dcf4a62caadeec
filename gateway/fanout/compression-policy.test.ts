import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseWay, type Load } from './compression-policy.ts';

const CALM: Load = {
  transport: 'shared',
  isEncrypted: true,
  connections: 20,
  events: 10,
  busy: 0.2,
  left: 500,
};

test('connections of a view share a stream from four on; fewer get events that are compressed once for all views', () => {
  assert.equal(chooseWay(CALM), 'shared');
  assert.equal(chooseWay({ ...CALM, connections: 4 }), 'shared');
  assert.equal(chooseWay({ ...CALM, connections: 3 }), 'self');
  assert.equal(chooseWay({ ...CALM, connections: 1 }), 'self');
});

test('who keeps no window gets self-contained frames, and who negotiated nothing the text as it is', () => {
  assert.equal(chooseWay({ ...CALM, transport: 'self', connections: 5_000 }), 'self');
  assert.equal(chooseWay({ ...CALM, transport: 'raw', connections: 5_000 }), 'raw');
});

test('where CPU is short, only what saves more of it than it costs is compressed', () => {
  assert.equal(chooseWay({ ...CALM, busy: 0.95 }), 'raw');
  assert.equal(chooseWay({ ...CALM, busy: 0.95, connections: 1_000 }), 'shared');
});

test('over TLS compressing saves CPU for fewer connections than without', () => {
  const way = (isEncrypted: boolean, connections: number) =>
    chooseWay({ ...CALM, busy: 0.95, isEncrypted, connections });
  assert.deepEqual([way(true, 59), way(true, 60), way(false, 60), way(false, 250)], ['raw', 'shared', 'raw', 'shared']);
});

test('what is compressed between two turns of the event loop is limited, unless it saves CPU', () => {
  assert.equal(chooseWay({ ...CALM, left: 9 }), 'raw');
  assert.equal(chooseWay({ ...CALM, left: 10 }), 'shared');
  assert.equal(chooseWay({ ...CALM, left: 0, connections: 1_000 }), 'shared');
});
