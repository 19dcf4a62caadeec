import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeCalls, type CallsLook } from './calls.ts';

const NOW = 1_700_000_000_000;
const LIVE: CallsLook = { at: `epoch ${NOW - 1}-0 live 0-0`, unread: null, accounts: 2 };
const NONE: CallsLook = { at: '', unread: null, accounts: 0 };

const statuses = (looks: readonly CallsLook[], isWanted = true) =>
  judgeCalls(looks, isWanted, NOW).map(({ status, seen }) => `${status}: ${seen}`);

test('a table that is kept at the end of the log is well', () => {
  assert.match(statuses([LIVE, LIVE]).join(), /^ok: .*: 4$/);
  assert.match(statuses([{ ...LIVE, unread: `${NOW - 1_000}-0` }]).join(), /^ok: /);
});

test('a table that is being made, or is behind, gives no snapshots', () => {
  assert.match(
    statuses([LIVE, { ...LIVE, at: 'epoch 0-0 building 5-0' }]).join(),
    /^warn: .*partition 1 is being made/,
  );
  assert.match(statuses([LIVE, NONE]).join(), /^warn: .*partition 1/);
  assert.match(
    statuses([{ ...LIVE, unread: `${NOW - 60_000}-0` }]).join(),
    /^warn: .*partition 0 is more than 30 s behind/,
  );
});

test('without a table there is nothing to say, and one that nobody wants is named', () => {
  assert.match(statuses([NONE, NONE]).join(), /^ok: no table of live calls yet/);
  assert.deepEqual(statuses([NONE, NONE], false), []);
  assert.match(statuses([LIVE, NONE], false).join(), /^ok: 1 partitions have a table/);
});
