import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventLog, NewEvent } from '../../event-log/event-log.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { BEFORE_EVERYTHING } from '../../protocol/position.ts';
import { legKey, type CallRecord } from '../../protocol/call.ts';
import { advance } from './advance.ts';
import type { CallTable, LegEnd, TableAt } from './call-table.ts';
import type { OpenTable } from './call-table.suite.ts';
import { endEvent } from './end-event.ts';

const LEG = { account: 'acme', callId: 'a b@1' };
const PARTITIONS = 2;

interface Stage {
  readonly table: CallTable;
  readonly eventLog: EventLog;
  readonly partition: number;
  say(name: string, more?: { eventId?: string; fields?: object }): Promise<string>;
  /** Brings the table to the end of the log. */
  keep(): Promise<TableAt>;
  /** The table's record of the leg. */
  found(): Promise<CallRecord | undefined>;
  /** Names of all entries. */
  names(): Promise<string[]>;
  end(more?: Partial<LegEnd>): Promise<string>;
}

async function openStage(open: OpenTable): Promise<Stage> {
  const { table, eventLog } = await open();
  const partition = partitionOf(LEG, PARTITIONS);
  const keep = async () => {
    await eventLog.state();
    for (let at: TableAt | null = null; ;) {
      const step = await advance({ table, eventLog, partition }, at, null);
      assert.notEqual(step.kind, 'refused');
      at = step.kind === 'refused' ? null : step.at;
      if (step.kind === 'advanced' && !step.isMore && step.at.phase === 'live') return step.at;
    }
  };
  const found = async () => {
    const at = await table.at(partition);
    assert.ok(at);
    return (await table.look(partition, at, [{ ...LEG, ends: false }]))?.get(legKey(LEG))?.record;
  };
  return {
    table,
    eventLog,
    partition,
    keep,
    found,
    async say(name, { eventId = `${name}.1`, fields = {} } = {}) {
      const event = { 'Event-Name': name, 'Call-ID': LEG.callId, Node: 'freeswitch@fs1', ...fields };
      const of: NewEvent = { name, ...LEG, eventId, traceparent: '', data: Buffer.from(JSON.stringify(event)) };
      const [outcome] = await eventLog.append([of]);
      assert.ok(outcome !== undefined && outcome.outcome !== 'failed');
      return outcome.isLate === true ? 'late' : outcome.outcome;
    },
    async names() {
      const entries = await eventLog.range(partition, BEFORE_EVERYTHING, 100);
      return entries.map(({ meta }) => meta.split('\t')[1] ?? '');
    },
    async end(more = {}) {
      const record = more.record ?? (await found());
      const at = await table.at(partition);
      assert.ok(record && at);
      const event = endEvent(record, 'reconciled', Date.now());
      return table.end(partition, { at, record, event, notBefore: 0, lateEnd: 'Amend', ...more });
    },
  };
}

/** Every way of ending a leg ends it once (LC3), on every log. */
export function endsSuite(name: string, open: OpenTable): void {
  describe(name, () => {
    const begun = async (lateEnd: 'Amend' | 'Drop' | null = null) => {
      const stage = await openStage(open);
      await stage.say('CHANNEL_CREATE');
      await stage.say('CHANNEL_ANSWER');
      await stage.keep();
      if (lateEnd !== null) assert.equal(await stage.end({ lateEnd }), 'ended');
      return stage;
    };

    it('LC3: of many that end a leg at once one does, and the table reads that end as any other', async () => {
      const stage = await begun();
      const record = await stage.found();
      assert.ok(record);
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => stage.end({ record })));
      assert.deepEqual(outcomes.toSorted(), ['ended', ...Array.from({ length: 7 }, () => 'not')]);
      assert.ok(await stage.found(), 'it stays until its end is read');
      await stage.keep();
      assert.equal(await stage.found(), undefined);
      assert.deepEqual(await stage.names(), ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY']);
    });

    it('LC3: a leg that has spoken, or ended, since the table looked is not ended', async () => {
      const stage = await begun();
      const record = await stage.found();
      assert.ok(record);
      await stage.say('CHANNEL_HOLD');
      assert.equal(await stage.end({ record }), 'later');
      await stage.keep();
      assert.equal(await stage.end({ record }), 'not');
      await stage.say('CHANNEL_DESTROY');
      assert.equal(await stage.end(), 'later');
      await stage.keep();
      assert.equal(await stage.found(), undefined);
      assert.equal((await stage.names()).filter((one) => one === 'CHANNEL_DESTROY').length, 1);
    });

    it('an end waits for its time, by the clock of the log', async () => {
      const stage = await begun();
      assert.equal(await stage.end({ notBefore: Date.now() + 3_600_000 }), 'later');
      assert.equal(await stage.end({ notBefore: Date.now() - 60_000 }), 'ended');
    });

    it('an end of another life of the log is none', async () => {
      const stage = await begun();
      const at = await stage.table.at(stage.partition);
      assert.ok(at);
      assert.equal(await stage.end({ at: { ...at, epoch: 'another' } }), 'later');
    });

    it('LC3: the late real end is a duplicate, and kept as a correction, once', async () => {
      const stage = await begun('Amend');
      const fields = { 'Billing-Seconds': 1234567890123456789n.toString(), 'Hangup-Cause': 'NORMAL_CLEARING' };
      assert.equal(await stage.say('CHANNEL_DESTROY', { eventId: 'real', fields }), 'late');
      assert.equal(await stage.say('CHANNEL_DESTROY', { eventId: 'real', fields }), 'late');
      const expected = ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY', 'CALL_END_CORRECTED'];
      assert.deepEqual(await stage.names(), expected);
      const [, , , corrected] = await stage.eventLog.range(stage.partition, BEFORE_EVERYTHING, 100);
      const body = JSON.parse(String(corrected?.data)) as Record<string, unknown>;
      assert.deepEqual(body, {
        'Event-Name': 'CALL_END_CORRECTED',
        'Call-ID': LEG.callId,
        Node: 'freeswitch@fs1',
        ...fields,
      });
      await stage.keep();
      assert.equal(await stage.found(), undefined);
    });

    it('LC3: a late end is dropped where that is asked for, and where a source made it', async () => {
      const dropping = await begun('Drop');
      assert.equal(await dropping.say('CHANNEL_DESTROY'), 'late');
      const amending = await begun('Amend');
      const fields = { 'Firehose-Synthetic': 'missed' };
      assert.equal(await amending.say('CHANNEL_DESTROY', { fields }), 'late');
      for (const stage of [dropping, amending]) assert.equal((await stage.names()).length, 3);
    });

    it('LC3: a source that gives one id to the ends of a leg, and the table, exclude each other', async () => {
      const stage = await openStage(open);
      await stage.say('CHANNEL_CREATE', { eventId: 'fs.a.CREATE' });
      await stage.keep();
      const record = await stage.found();
      assert.ok(record);
      assert.equal(await stage.end({ record }), 'ended');
      assert.equal(await stage.say('CHANNEL_DESTROY', { eventId: 'fs.a.DESTROY' }), 'duplicate');
      assert.equal((await stage.names()).length, 2);
    });

    it('what a switch still says of an ended leg brings it back neither to the table nor to the log’s end', async () => {
      const stage = await begun('Amend');
      await stage.say('CHANNEL_UNHOLD');
      await stage.keep();
      assert.equal(await stage.found(), undefined);
    });
  });
}
