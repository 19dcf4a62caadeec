import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EventLog, NewEvent, StoredEntry } from '../event-log/event-log.ts';
import { switchPseudonym } from '../event-log/switch-pseudonym.ts';
import { advance } from '../gateway/calls/advance.ts';
import type { CallTable, TableAt } from '../gateway/calls/call-table.ts';
import { createCallCounters } from '../gateway/calls/counters.ts';
import { reconcile } from '../gateway/calls/reconcile.ts';
import { readSnapshot, type Snapshot } from '../gateway/calls/snapshot.ts';
import { byLeg, reduceAll } from '../gateway/calls/testing/plain-reduction.ts';
import { decodeMeta } from '../protocol/entry.ts';
import { BEFORE_EVERYTHING, compareIds } from '../protocol/position.ts';
import { newEvent } from '../source/new-event.ts';
import { mapAll, recordings, type Recording } from '../source/testing/recordings.ts';

export interface RecordedLog extends AsyncDisposable {
  readonly eventLog: EventLog;
  readonly table: CallTable;
}

const LIMIT = { timeout: 120_000 };
const SWITCH = switchPseudonym('voice/pbx/recorded');
const EVERYTHING = { accounts: null, includes: () => true };
const HOUR_MS = 3_600_000;

/** What real switches said, on a log and its table of live calls: all recordings, one after the other. */
export function recordedCallsSuite(name: string, open: () => Promise<RecordedLog>): void {
  describe(`recorded calls ${name}`, () => {
    test(
      'LC1: at every position of every recording the table is what a plain reduction of the log says, and empty at its end',
      LIMIT,
      async () => {
        await using log = await open();
        const walk = await beginWalk(log);
        for (const recording of recordings()) {
          const entries = await walk.say(eventsOf(recording));
          const taken: Snapshot[] = [];
          for (let isMore = true; isMore;) {
            isMore = await walk.step();
            taken.push(await walk.look());
            // The same table, rolled forward by all that it has not read yet.
            assert.deepEqual([...(await walk.lookAhead()).records], [], `${recording.name}, rolled forward to its end`);
          }
          const expected = reduceAll(
            entries,
            taken.map(({ position }) => ({ position, includes: EVERYTHING.includes })),
          );
          for (const [at, { records }] of taken.entries()) {
            assert.deepEqual(byLeg(records), byLeg(expected[at] ?? []), `${recording.name}, step ${at}`);
          }
          assert.ok(legsOf(taken) > 0, `${recording.name} has calls`);
          await walk.hasNothing(recording.name);
        }
      },
    );

    test(
      'LC3: a switch that dies where most calls live has none after a list, each call one end, whatever it says later',
      LIMIT,
      async () => {
        await using log = await open();
        const walk = await beginWalk(log);
        for (const recording of recordings()) {
          const events = eventsOf(recording);
          const cut = busiest(events);
          const before = await walk.say(events.slice(0, cut));
          await walk.end();
          const { records } = await walk.look();
          assert.ok(records.length > 0, `${recording.name} has calls after ${cut} events`);
          const { ended } = await walk.reconcile();
          assert.equal(ended, records.length, recording.name);
          await walk.end();
          await walk.hasNothing(`${recording.name} after the list`);
          const after = await walk.say(events.slice(cut));
          await walk.end();
          await walk.hasNothing(`${recording.name} at its end`);
          assert.deepEqual(endedTwice([...before.flat(), ...after.flat(), ...walk.ends]), [], recording.name);
        }
      },
    );
  });
}

/** The events of a recording, as a source appends them. Recordings of the same calls are of different tenants. */
function eventsOf({ name, mapper, events }: Recording): NewEvent[] {
  const mapped = mapAll(mapper({ switchId: () => SWITCH }), events);
  return mapped.map((event) => ({ ...newEvent(event), account: name }));
}

/** After how many events most legs have begun and not ended. */
function busiest(events: readonly NewEvent[]): number {
  const live = new Set<string>();
  const counts = events.map(({ name, callId }) => {
    if (name === 'CHANNEL_CREATE') live.add(callId);
    if (name === 'CHANNEL_DESTROY') live.delete(callId);
    return live.size;
  });
  return counts.indexOf(Math.max(...counts)) + 1;
}

const legsOf = (taken: readonly Snapshot[]) => taken.reduce((sum, { records }) => sum + records.length, 0);

function endedTwice(entries: readonly StoredEntry[]): string[] {
  const ends = entries.flatMap(({ meta }) => {
    const decoded = decodeMeta(meta);
    return decoded?.name === 'CHANNEL_DESTROY' ? [decoded.callId] : [];
  });
  return ends.filter((callId, at) => ends.indexOf(callId) !== at);
}

/** More than eight members: the test says, steps and looks by turns. */
interface Walk {
  /** Appends events; the entries that they became, partition by partition. */
  say(events: readonly NewEvent[]): Promise<StoredEntry[][]>;
  /** Moves the table of each partition by one entry. False at the end of the log. */
  step(): Promise<boolean>;
  /** Moves the table to the end of the log. */
  end(): Promise<void>;
  look(): Promise<Snapshot>;
  /** As the table will be at the end of the log. */
  lookAhead(): Promise<Snapshot>;
  /** The switch says that it has no call. */
  reconcile(): Promise<{ readonly ended: number }>;
  /** Ends that the last list appended. */
  readonly ends: readonly StoredEntry[];
  /** The table has no leg, and no account. */
  hasNothing(where: string): Promise<void>;
}

async function beginWalk({ eventLog, table }: RecordedLog): Promise<Walk> {
  const partitions = Array.from({ length: eventLog.partitions }, (_, partition) => partition);
  const ats = partitions.map((): TableAt | null => null);
  const source = { table, eventLog, now: Date.now };
  // The entry at which the table stands is read again: with the next one these are two.
  const oneByOne = {
    state: () => eventLog.state(),
    range: (partition: number, afterId: string) =>
      eventLog.range(partition, afterId, ats[partition]?.id === BEFORE_EVERYTHING ? 1 : 2),
  };
  const stepOf = async (partition: number) => {
    const step = await advance({ table, eventLog: oneByOne, partition }, ats[partition] ?? null, null);
    if (step.kind === 'refused') throw new Error('nobody else keeps this table');
    ats[partition] = step.at;
    return step.kind !== 'advanced' || step.entries > 0;
  };
  const newest = async () => (await eventLog.state()).newest;
  const since = async (from: readonly string[]) =>
    Promise.all(partitions.map((partition) => eventLog.range(partition, from[partition] ?? '', 1_000)));
  const step = async () => (await Promise.all(partitions.map(stepOf))).includes(true);
  const end = async () => {
    while (await step());
  };
  let ends: readonly StoredEntry[] = [];
  await eventLog.state();
  await end();
  return {
    step,
    end,
    async say(events) {
      const from = await newest();
      const outcomes = await eventLog.append(events);
      assert.ok(outcomes.every(({ outcome }) => outcome !== 'failed'));
      return (await since(from)).map((entries) => [...entries]);
    },
    look: () => readSnapshot(source, EVERYTHING, null),
    async lookAhead() {
      const { epoch, newest: ids } = await eventLog.state();
      const snapshot = await readSnapshot(source, EVERYTHING, { epoch, ids });
      assert.ok(ids.every((id, partition) => compareIds(snapshot.position.ids[partition] ?? '', id) >= 0));
      return snapshot;
    },
    async reconcile() {
      const from = await newest();
      const list = {
        switch: new Set([SWITCH]),
        live: new Set<string>(),
        listedAt: Date.now() + HOUR_MS,
        startedAt: null,
      };
      const parts = { table, partitions: partitions.length, counters: createCallCounters(), lateEnd: 'Amend' } as const;
      const pause = () => Promise.reject(new Error('the table is at the end of the log'));
      const told = await reconcile(parts, [list], { mayEnd: () => true, now: Date.now, pause });
      ends = (await since(from)).flat();
      return told;
    },
    get ends() {
      return ends;
    },
    async hasNothing(where) {
      const { records } = await readSnapshot(source, EVERYTHING, null);
      assert.deepEqual([...records], [], where);
      for (const partition of partitions) assert.deepEqual(await table.accounts(partition), [], where);
    },
  };
}
