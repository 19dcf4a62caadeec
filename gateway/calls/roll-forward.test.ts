import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMeta } from '../../protocol/entry.ts';
import { encodeCall, type CallRecord } from '../../protocol/call.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { ringing } from './call-table.suite.ts';
import { legEntriesOf } from './reduce-entries.ts';
import { Legs } from './roll-forward.ts';
import { EncodedRecords, plainRecords } from './slice-records.ts';

const encoded = (...records: readonly CallRecord[]) =>
  new EncodedRecords(Buffer.from(records.map(encodeCall).join('\n')));
const leg = (callId: string, account = 'acme') => ringing(account, callId);
const answered = (record: CallRecord): CallRecord => ({ ...record, state: 'answered' });

function entry(id: string, name: string, callId: string, account = 'acme'): StoredEntry {
  const meta = encodeMeta({ name, account, callId, eventId: `${callId}.${id}`, ingestedAt: '', traceparent: '' });
  return { partition: 0, id, meta, data: Buffer.from('{}') };
}

const statesOf = (legs: Legs) =>
  Object.fromEntries(Array.from(legs, ({ account_id, call_id, state }) => [`${account_id}/${call_id}`, state]));

test('a leg gets the entries after its own slice, and one that no slice has gets all of them', () => {
  const legs = new Legs();
  legs.add({ id: '5-0', records: encoded(leg('early'), leg('ends')) });
  legs.add({ id: '7-0', records: encoded(leg('late')) });
  const entries = [
    entry('6-0', 'CHANNEL_ANSWER', 'early'),
    entry('6-1', 'CHANNEL_ANSWER', 'late'),
    entry('6-2', 'CHANNEL_CREATE', 'new'),
    entry('8-0', 'CHANNEL_DESTROY', 'ends'),
    entry('8-1', 'CHANNEL_CREATE', 'short'),
    entry('8-2', 'CHANNEL_DESTROY', 'short'),
  ];
  legs.apply(legEntriesOf(entries), new Map());
  assert.deepEqual(statesOf(legs), { 'acme/early': 'answered', 'acme/late': 'ringing', 'acme/new': 'ringing' });
  assert.equal(legs.length, 3);
});

test('a leg that begins where there was none is there, and a lone slice without entries is as it was read', () => {
  const legs = new Legs();
  legs.apply(legEntriesOf([entry('6-0', 'CHANNEL_CREATE', 'first')]), new Map());
  assert.deepEqual(statesOf(legs), { 'acme/first': 'ringing' });
  const lone = new Legs();
  lone.add({ id: '5-0', records: encoded(leg('a')) });
  assert.deepEqual([statesOf(lone), lone.length], [{ 'acme/a': 'ringing' }, 1]);
  const none = new Legs();
  assert.deepEqual([statesOf(none), none.length], [{}, 0]);
});

test('a leg that a scan gave twice is there once, as the later slice has it', () => {
  const legs = new Legs();
  legs.add({ id: '5-0', records: encoded(leg('a'), leg('b')) });
  legs.add({ id: '6-0', records: encoded(answered(leg('a')), leg('c')) });
  assert.deepEqual(statesOf(legs), { 'acme/a': 'answered', 'acme/b': 'ringing', 'acme/c': 'ringing' });
  assert.equal(legs.length, 3);
  assert.deepEqual(statesOf(legs), { 'acme/a': 'answered', 'acme/b': 'ringing', 'acme/c': 'ringing' }, 'read again');
});

test('a synthetic end is final, as in the table', () => {
  const legs = new Legs();
  legs.add({ id: '5-0', records: encoded(leg('a')) });
  const late = legEntriesOf([entry('6-0', 'CHANNEL_DESTROY', 'a'), entry('7-0', 'CHANNEL_ANSWER', 'a')]);
  legs.apply(late, new Map([[late[0]?.key ?? '', '6-0']]));
  assert.deepEqual(statesOf(legs), {});
  assert.equal(legs.length, 0);
});

test('names are told apart whatever they contain, in records and in entries, as text and as objects', () => {
  const names = ['a', 'a","account_id":"b', 'ü€', 'back\\slash', 'a\nb', '","', '"'];
  const records = names.flatMap((name) => [leg(name, 'acme'), leg(name, 'x","y')]);
  for (const slice of [encoded(...records), plainRecords(records)]) {
    const legs = new Legs();
    legs.add({ id: '1-0', records: slice });
    legs.add({ id: '1-0', records: slice });
    assert.deepEqual([...legs], records);
    const ends = names.map((name, n) => entry(`2-${n}`, 'CHANNEL_DESTROY', name, 'x","y'));
    legs.apply(legEntriesOf(ends), new Map());
    assert.deepEqual(
      [...legs],
      records.filter(({ account_id }) => account_id === 'acme'),
    );
  }
});

test('a record whose text begins otherwise is found by its name too, and one that cannot be read is left out', () => {
  const { call_id, account_id, ...rest } = leg('a');
  const other = JSON.stringify({ newer: 1, account_id, ...rest, call_id });
  const legs = new Legs();
  legs.add({
    id: '1-0',
    records: new EncodedRecords(Buffer.from(`${other}\n{"call_id":"of another version"}\nnothing`)),
  });
  assert.deepEqual(statesOf(legs), { 'acme/a': 'ringing' });
  legs.apply(legEntriesOf([entry('2-0', 'CHANNEL_ANSWER', 'a')]), new Map());
  assert.deepEqual(statesOf(legs), { 'acme/a': 'answered' });
  assert.equal([...legs][0]?.['newer'], 1);
});
