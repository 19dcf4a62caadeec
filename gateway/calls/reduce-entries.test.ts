import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { legKey } from '../../protocol/call.ts';
import { encodeMeta } from '../../protocol/entry.ts';
import { simulateCalls } from './testing/simulated-calls.ts';
import { legEntriesOf, legsOf, reduceEntries, type KnownLeg } from './reduce-entries.ts';

function entry(id: string, name: string, callId: string, { account = 'acme', data = '{}' } = {}): StoredEntry {
  const meta = encodeMeta({ name, account, callId, eventId: `${callId}.${id}`, ingestedAt: '', traceparent: '' });
  return { partition: 0, id, meta, data: Buffer.from(data) };
}

const reduce = (entries: readonly StoredEntry[], known: ReadonlyMap<string, KnownLeg> = new Map()) =>
  [...reduceEntries(legEntriesOf(entries), known).values()].map(({ account, callId, record }) => [
    account,
    callId,
    record?.state ?? null,
  ]);

test('what entries change is found leg by leg, in their order', () => {
  const entries = [
    entry('1-0', 'CHANNEL_CREATE', 'a'),
    entry('2-0', 'CHANNEL_CREATE', 'b'),
    entry('3-0', 'CHANNEL_ANSWER', 'a'),
    entry('4-0', 'CHANNEL_DESTROY', 'b'),
    entry('5-0', 'DTMF', 'c'),
  ];
  assert.deepEqual(reduce(entries), [
    ['acme', 'a', 'answered'],
    ['acme', 'b', null],
  ]);
  assert.deepEqual(legsOf(legEntriesOf(entries)).length, 3);
});

test('one Call-ID of two accounts is two legs: neither shows or ends the other', () => {
  const entries = [
    entry('1-0', 'CHANNEL_CREATE', 'a', { data: '{"From":"secret"}' }),
    entry('2-0', 'CHANNEL_CREATE', 'a', { account: 'other' }),
    entry('3-0', 'CHANNEL_DESTROY', 'a', { account: 'other' }),
  ];
  assert.deepEqual(reduce(entries), [
    ['acme', 'a', 'ringing'],
    ['other', 'a', null],
  ]);
});

test('an entry that breaks the format, and one without an account, changes nothing', () => {
  const entries = [
    entry('1-0', 'CHANNEL_CREATE', 'a', { data: '{' }),
    entry('2-0', 'CHANNEL_CREATE', 'b', { account: '' }),
    { ...entry('3-0', 'CHANNEL_CREATE', 'c'), meta: 'not a meta line' },
    entry('4-0', 'CHANNEL_CREATE', ''),
  ];
  assert.deepEqual(reduce(entries), []);
});

test('a leg that was given a synthetic end is not brought back by what its switch still says', () => {
  const ended: KnownLeg = { record: undefined, endedAt: '5-0' };
  const known = new Map([[legKey({ account: 'acme', callId: 'a' }), ended]]);
  const before = [entry('4-0', 'CHANNEL_ANSWER', 'a'), entry('5-0', 'CHANNEL_DESTROY', 'a')];
  assert.deepEqual(reduce(before.slice(0, 1), known), [['acme', 'a', 'answered']]);
  assert.deepEqual(reduce([...before, entry('6-0', 'CHANNEL_ANSWER', 'a')], known), [['acme', 'a', null]]);
  assert.deepEqual(reduce([entry('6-0', 'CHANNEL_ANSWER', 'a')], known), []);
});

test('LC1: in batches of any size the calls of ten minutes reduce to the same table, and to none at their end', () => {
  const entries = simulateCalls({ seconds: 600, callsPerSecond: 0.5 });
  const half = Math.floor(entries.length / 2);
  const tables = [1, 7, 500].map((size) => {
    const table = new Map<string, KnownLeg>();
    reduceInto(table, entries.slice(0, half), size);
    const inTheMiddle = new Map(table);
    reduceInto(table, entries.slice(half), size);
    assert.equal(table.size, 0);
    return inTheMiddle;
  });
  const [one] = tables;
  assert.ok(one !== undefined && one.size > 10);
  for (const other of tables) assert.deepEqual(other, one);
});

function reduceInto(table: Map<string, KnownLeg>, entries: readonly StoredEntry[], size: number): void {
  for (let at = 0; at < entries.length; at += size) {
    for (const [key, { record }] of reduceEntries(legEntriesOf(entries.slice(at, at + size)), table)) {
      if (record === null) table.delete(key);
      else table.set(key, { record, endedAt: null });
    }
  }
}
