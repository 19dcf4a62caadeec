import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventLog } from '../../event-log/event-log.ts';
import { legKey, type CallRecord } from '../../protocol/call.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { FIRST_SLICE, type CallTable, type TableAt } from './call-table.ts';
import { removeUnkept } from './remove-unkept.ts';
import { reduceEntries, type LegQuery } from './reduce-entries.ts';

const LIVE: TableAt = { epoch: 'first', id: '0-0', phase: 'live', until: '0-0' };

/** A ringing leg. */
export function ringing(account: string, callId: string): CallRecord {
  const event = { name: 'CHANNEL_CREATE', account, callId, eventId: `${callId}.CREATE`, at: 1_700_000_000_000 };
  const read = () => ({ ...event, fields: { From: `${callId}@${account}.example.com` } });
  const entry = { ...event, id: '1-0', key: legKey(event), read };
  const record = reduceEntries([entry], new Map()).get(legKey(event))?.record;
  assert.ok(record);
  return record;
}

const change = (account: string, callId: string, isThere = true) => ({
  account,
  callId,
  record: isThere ? ringing(account, callId) : null,
});

/** All legs of these accounts, read in as many slices as needed. */
async function readAll(table: CallTable, accounts: readonly string[], partition = 0): Promise<CallRecord[]> {
  const records: CallRecord[] = [];
  for (let place = FIRST_SLICE; ;) {
    const slice = await table.slice(partition, accounts, place);
    assert.ok(slice);
    records.push(...slice.records);
    if (slice.next === null) return records;
    place = slice.next;
  }
}

const namesOf = (legs: readonly CallRecord[]) => legs.map((leg) => `${leg.account_id}/${leg.call_id}`).toSorted(byText);

function byText(one: string, other: string): number {
  return one < other ? -1 : 1;
}

/** A table and its log. `legsPerAccount` is the limit of legs. */
export type OpenTable = (
  legsPerAccount?: number,
) => Promise<{ readonly table: CallTable; readonly eventLog: EventLog }>;

/** Requirements for every implementation of the table. `open` returns a new, empty table of two partitions. */
export function callTableSuite(name: string, open: OpenTable): void {
  describe(name, () => {
    const begun = async () => {
      const { table } = await open();
      assert.equal(await table.begin(0, null, LIVE), true);
      return table;
    };
    const at = (id: string): TableAt => ({ ...LIVE, id });

    it('is nothing before it is begun', async () => {
      const { table } = await open();
      assert.equal(await table.at(0), null);
      assert.equal(await table.slice(0, ['acme'], FIRST_SLICE), null);
      assert.equal(await table.look(0, LIVE, []), null);
      assert.deepEqual(await table.write(0, { from: LIVE, to: at('1-0'), changes: [] }), null);
    });

    it('gives back what was written, and is where the last write said', async () => {
      const table = await begun();
      const changes = [change('acme', 'a'), change('acme', 'b'), change('other', 'a')];
      assert.deepEqual(await table.write(0, { from: LIVE, to: at('5-0'), changes }), { refusedLegs: 0 });
      assert.deepEqual(await table.at(0), at('5-0'));
      assert.deepEqual(new Set(await table.accounts(0)), new Set(['acme', 'other']));
      assert.deepEqual(namesOf(await readAll(table, ['acme', 'none', 'other'])), ['acme/a', 'acme/b', 'other/a']);
      const legs: LegQuery[] = [
        { account: 'acme', callId: 'a', ends: true },
        { account: 'acme', callId: 'c', ends: false },
      ];
      const known = await table.look(0, at('5-0'), legs);
      assert.deepEqual(known?.get('acme\ta')?.record, ringing('acme', 'a'));
      assert.deepEqual(known?.get('acme\tc'), { record: undefined, endedAt: null });
    });

    it('refuses a write that was made of another state, and changes nothing', async () => {
      const table = await begun();
      await table.write(0, { from: LIVE, to: at('5-0'), changes: [change('acme', 'a')] });
      for (const from of [
        LIVE,
        at('6-0'),
        { ...at('5-0'), epoch: 'second' },
        { ...at('5-0'), phase: 'building' as const },
      ]) {
        assert.deepEqual(await table.write(0, { from, to: at('9-0'), changes: [change('acme', 'b')] }), null);
        assert.equal(await table.look(0, from, []), null);
        assert.equal(await table.begin(0, from, LIVE), false);
        assert.equal(await table.drop(0, from), null);
      }
      assert.equal(await table.begin(0, null, LIVE), false);
      assert.deepEqual(await table.at(0), at('5-0'));
      assert.deepEqual(namesOf(await readAll(table, ['acme'])), ['acme/a']);
    });

    it('refuses a write that was made of entries which the log no longer has, and changes nothing', async () => {
      const { table, eventLog } = await open();
      await table.begin(0, null, LIVE);
      const callId = Array.from({ length: 100 }, (_, n) => `leg-${n}`).find(
        (one) => partitionOf({ account: 'acme', callId: one }, 2) === 0,
      );
      assert.ok(callId);
      const event = { name: 'CHANNEL_CREATE', account: 'acme', callId, eventId: 'begin', traceparent: '' };
      const [outcome] = await eventLog.append([{ ...event, data: Buffer.from('{}') }]);
      assert.equal(outcome?.outcome, 'accepted');
      const { id } = outcome;
      const step = { from: LIVE, to: at(id), changes: [change('acme', callId)] };
      for (const gone of [LIVE.id, '1-0', `${id}9`])
        assert.equal(await table.write(0, { ...step, holds: [id, gone] }), null, gone);
      assert.deepEqual(await table.at(0), LIVE);
      assert.deepEqual(await readAll(table, ['acme']), []);
      assert.deepEqual(await table.write(0, { ...step, holds: [id] }), { refusedLegs: 0 });
      assert.deepEqual(namesOf(await readAll(table, ['acme'])), [`acme/${callId}`]);
    });

    it('keeps no account whose last leg has ended', async () => {
      const table = await begun();
      await table.write(0, { from: LIVE, to: at('1-0'), changes: [change('acme', 'a'), change('acme', 'b')] });
      await table.write(0, { from: at('1-0'), to: at('2-0'), changes: [change('acme', 'a', false)] });
      assert.deepEqual(await table.accounts(0), ['acme']);
      await table.write(0, { from: at('2-0'), to: at('3-0'), changes: [change('acme', 'b', false)] });
      await table.write(0, { from: at('3-0'), to: at('4-0'), changes: [change('acme', 'b', false)] });
      assert.deepEqual(await table.accounts(0), []);
      assert.deepEqual(await readAll(table, ['acme']), []);
    });

    it('has a table for each partition', async () => {
      const table = await begun();
      await table.write(0, { from: LIVE, to: at('1-0'), changes: [change('acme', 'a')] });
      assert.equal(await table.at(1), null);
      await table.begin(1, null, LIVE);
      assert.deepEqual(await readAll(table, ['acme'], 1), []);
    });

    it('is begun again after the log was lost: nothing of before is left', async () => {
      const table = await begun();
      const changes = Array.from({ length: 100 }, (_, n) => change(`account-${n}`, 'a'));
      await table.write(0, { from: LIVE, to: at('1-0'), changes });
      const dropping: TableAt = { epoch: 'second', id: '7-0', phase: 'dropping', until: '9-0' };
      assert.equal(await table.begin(0, at('1-0'), dropping), true);
      for (let left: boolean | null = false; left === false;) {
        left = await table.drop(0, dropping);
        assert.notEqual(left, null);
      }
      assert.deepEqual(await table.write(0, { from: dropping, to: { ...dropping, phase: 'building' }, changes: [] }), {
        refusedLegs: 0,
      });
      assert.deepEqual(await table.accounts(0), []);
      assert.deepEqual(await readAll(table, ['account-1']), []);
    });

    it('reads many accounts, and one of many legs, in slices that hold each leg once', async () => {
      const table = await begun();
      const many = Array.from({ length: 1_200 }, (_, n) => change('large', `leg-${n}`));
      const small = Array.from({ length: 700 }, (_, n) => change(`account-${n}`, 'a'));
      await table.write(0, { from: LIVE, to: at('1-0'), changes: [...many, ...small] });
      const accounts = await table.accounts(0);
      const names = namesOf(await readAll(table, accounts));
      assert.equal(new Set(names).size, 1_900);
    });

    it('takes so many legs of an account and no more, and what it has stays true', async () => {
      const { table } = await open(20);
      await table.begin(0, null, LIVE);
      const many = Array.from({ length: 15 }, (_, n) => change('large', `leg-${n}`));
      const changes = [...many, change('small', 'a'), change('large', 'leg-0')];
      assert.deepEqual(await table.write(0, { from: LIVE, to: at('1-0'), changes }), { refusedLegs: 5 });
      assert.equal((await readAll(table, ['large', 'small'])).length, 11);
      const freed = [change('large', 'leg-0', false), change('large', 'leg-14')];
      assert.deepEqual(await table.write(0, { from: at('1-0'), to: at('2-0'), changes: freed }), { refusedLegs: 0 });
      assert.ok(namesOf(await readAll(table, ['large'])).includes('large/leg-14'));
    });

    it('is forgotten when it is empty, by who has emptied it', async () => {
      const table = await begun();
      await table.write(0, { from: LIVE, to: at('1-0'), changes: [change('acme', 'a')] });
      assert.equal(await table.forget(0, LIVE), false);
      assert.equal(await removeUnkept(table, 0, 60_000), false);
      assert.deepEqual(await table.at(0), at('1-0'));
      assert.equal(await removeUnkept(table, 0, -1), true);
      assert.deepEqual([await table.at(0), await table.idleMs(0), await table.accounts(0)], [null, null, []]);
      assert.equal(await removeUnkept(table, 0, -1), true);
    });

    it('takes names and texts as they are', async () => {
      const table = await begun();
      const odd = ['ß → 日本', 'a b', "a'b", 'at', '{0}', ':*'];
      const changes = odd.map((text) => change(text, text));
      await table.write(0, { from: LIVE, to: at('1-0'), changes });
      assert.deepEqual(namesOf(await readAll(table, odd)), odd.map((text) => `${text}/${text}`).toSorted(byText));
    });
  });
}
