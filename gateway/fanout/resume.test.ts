import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { until } from '../../testing/until.ts';
import fc from 'fast-check';
import { encodeMeta } from '../../protocol/entry.ts';
import { compareIds, type Position } from '../../protocol/position.ts';
import type { EventLog, StoredEntry } from '../../event-log/event-log.ts';
import { RecordingSink } from '../testing/sink.ts';
import { cursors, openCursor } from '../testing/cursors.ts';
import { expectedNotices } from '../testing/notices.ts';
import { treeOf } from '../testing/tree.ts';
import { WITH_META } from './encoding.ts';
import type { ConnectionOptions } from './fanout-options.ts';
import { Fanout } from './fanout.ts';
import { createPages } from './pages.ts';
import { SLOW_AFTER_MS, type SlowPolicy, type Notices } from './connection.ts';

const EPOCH = 'e';
const PARTITIONS = 3;
const START: Position = { epoch: EPOCH, ids: Array.from({ length: PARTITIONS }, () => '0-0') };
const EMPTY = { oldest: START.ids, newest: START.ids, trimmed: START.ids };

function entry(partition: number, sequence: number, data = `{"p":${partition},"n":${sequence}}`): StoredEntry {
  const meta = encodeMeta({
    name: 'DTMF',
    account: 'root',
    callId: `c${partition}`,
    eventId: '',
    ingestedAt: '',
    traceparent: '',
  });
  return { partition, id: `${sequence}-0`, meta, data: Buffer.from(data) };
}

/** A log with exactly these entries, for pages. */
function logOf(
  entries: readonly StoredEntry[],
  trimmed: readonly string[] = START.ids,
): Pick<EventLog, 'range' | 'state'> {
  const of = (partition: number) => entries.filter((one) => one.partition === partition);
  return {
    async range(partition, after, count) {
      await nextTurn();
      const found = of(partition).filter(({ id }) => compareIds(id, after) > 0);
      return found.slice(0, count);
    },
    state: async () => ({
      epoch: EPOCH,
      oldest: START.ids,
      newest: START.ids.map((_, partition) => of(partition).at(-1)?.id ?? '0-0'),
      trimmed,
    }),
  };
}

function fanoutOver(
  entries: readonly StoredEntry[],
  options: { tailBytes?: number; trimmed?: readonly string[]; highWater?: number; now?: () => number } = {},
) {
  const { trimmed, ...rest } = options;
  const pages = createPages(
    { ...logOf(entries, trimmed), cursors } as unknown as EventLog,
    new AbortController().signal,
  );
  const fanout = new Fanout({ directory: treeOf([['root', null]]), offers: () => true, pages, cursors, ...rest });
  fanout.restart({ epoch: EPOCH, ...EMPTY });
  return fanout;
}

function join(fanout: Fanout, more: Partial<ConnectionOptions> = {}, notices: Partial<Notices> = {}) {
  const sink = new RecordingSink();
  const grant = { account: 'root', accounts: null, events: null };
  return {
    sink,
    connection: fanout.join({ grant, form: WITH_META, sink, notices: expectedNotices(notices), ...more }),
  };
}

interface Got {
  readonly p: number;
  readonly n: number;
  readonly _firehose: { readonly cursor: string };
}
const got = (sink: RecordingSink) => sink.messages().map((text) => JSON.parse(text) as Got);
const isOfThisLife = ({ _firehose }: Got) => openCursor(_firehose.cursor, PARTITIONS)?.epoch === EPOCH;
const keys = (list: readonly Got[]) => list.map(({ p, n }) => `${p}:${n}`).toSorted();

/**
 * Distributes entries over reads at random, each partition in its order, as two replicas would read the same streams.
 */
function deal(entries: readonly StoredEntry[], choices: readonly number[]): StoredEntry[][] {
  const left = Array.from({ length: PARTITIONS }, (_, partition) =>
    entries.filter((one) => one.partition === partition),
  );
  const reads: StoredEntry[][] = [];
  for (let turn = 0; left.some((part) => part.length > 0); turn += 1) {
    const choice = choices[turn % choices.length] ?? 0;
    const part = left[choice % PARTITIONS] ?? [];
    const fallback = part.length > 0 ? part : (left.find((other) => other.length > 0) ?? []);
    reads.push(fallback.splice(0, 1 + (choice % 4)));
  }
  return reads;
}

test('I3: whatever the interleaving of two replicas and the size of the tail, a resume at any event repeats and misses nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(PARTITIONS - 1), { minLength: 1, maxLength: 60 }),
      fc.array(fc.nat(20), { minLength: 1, maxLength: 30 }),
      fc.array(fc.nat(20), { minLength: 1, maxLength: 30 }),
      fc.nat(1_000),
      fc.constantFrom(200, 2_000, 1_000_000),
      async (partitions, one, other, at, tailBytes) => {
        const entries = partitions.map((partition, sequence) => entry(partition, sequence + 1));
        const first = fanoutOver(entries);
        const before = join(first);
        for (const read of deal(entries, one)) first.deliver(read);
        const seen = got(before.sink).slice(0, at % (entries.length + 1));
        const cursor = seen.at(-1)?._firehose.cursor;
        const from = cursor === undefined ? START : openCursor(cursor, PARTITIONS);
        assert.ok(from);
        const second = fanoutOver(entries, { tailBytes });
        const reads = deal(entries, other);
        for (const read of reads) second.deliver(read);
        const after = join(second, { from });
        await until('nobody behind', () => second.behind, { holds: (seen) => seen === 0 });
        const resumed = got(after.sink);
        assert.deepEqual(keys([...seen, ...resumed]), keys(got(before.sink)));
        for (let partition = 0; partition < PARTITIONS; partition += 1) {
          const order = [...seen, ...resumed].filter(({ p }) => p === partition).map(({ n }) => n);
          assert.deepEqual(
            order,
            order.toSorted((a, b) => a - b),
          );
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('I3: a cursor given while a resume still straddles rounds does not go back: cut again there, nothing is repeated', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(PARTITIONS - 1), { minLength: 1, maxLength: 60 }),
      fc.array(fc.array(fc.nat(20), { minLength: 1, maxLength: 30 }), { minLength: 3, maxLength: 6 }),
      fc.array(fc.nat(1_000), { minLength: 6, maxLength: 6 }),
      async (partitions, replicas, cutAfter) => {
        const entries = partitions.map((partition, sequence) => entry(partition, sequence + 1));
        const seen: Got[] = [];
        let from = START;
        for (const [turn, choices] of replicas.entries()) {
          const fanout = fanoutOver(entries, { tailBytes: 1_000_000 });
          for (const read of deal(entries, choices)) fanout.deliver(read);
          const client = join(fanout, { from });
          await until('nobody behind', () => fanout.behind, { holds: (seen) => seen === 0 });
          const all = got(client.sink);
          const isLast = turn === replicas.length - 1;
          seen.push(...all.slice(0, isLast ? all.length : (cutAfter[turn] ?? 0) % (all.length + 1)));
          const cursor = seen.at(-1)?._firehose.cursor;
          if (cursor !== undefined) from = openCursor(cursor, PARTITIONS) ?? assert.fail('no cursor');
        }
        assert.deepEqual(keys(seen), entries.map(({ partition, id }) => `${partition}:${parseInt(id, 10)}`).toSorted());
      },
    ),
    { numRuns: 300 },
  );
});

test('a bounded replay ends at its end and says so, and gets nothing of what comes after', async () => {
  const entries = Array.from({ length: 400 }, (_, at) => entry(at % PARTITIONS, at + 1));
  const fanout = fanoutOver(entries);
  for (const read of deal(entries, [3, 7, 2])) fanout.deliver(read);
  let isFinished = false;
  const until200 = START.ids.map(() => '200-0');
  const bounded = join(fanout, { from: START, until: until200 }, { finished: () => (isFinished = true) });
  await until('the replay finished', () => isFinished);
  assert.deepEqual(
    keys(got(bounded.sink)),
    entries
      .slice(0, 200)
      .map(({ partition, id }) => `${partition}:${parseInt(id, 10)}`)
      .toSorted(),
  );
});

test('I4: a replay whose next entries were trimmed meanwhile is told, and can be sought elsewhere', async () => {
  const entries = Array.from({ length: 30 }, (_, at) => entry(at % PARTITIONS, at + 1));
  const kept = entries.slice(15);
  const trimmed = START.ids.map(
    (_, partition) => entries.slice(0, 15).findLast((one) => one.partition === partition)?.id ?? '0-0',
  );
  const fanout = fanoutOver(kept, { tailBytes: 1, trimmed });
  for (const read of deal(entries, [1, 2, 0])) fanout.deliver(read);
  const losses: string[] = [];
  const late = join(fanout, { from: START }, { lost: (reason) => losses.push(reason) });
  await until('a loss told', () => losses.length, { holds: (seen) => seen > 0 });
  assert.deepEqual([losses, got(late.sink)], [['cursor_too_old'], []]);
  fanout.seek(late.connection, { epoch: EPOCH, ids: trimmed });
  await until('nobody behind', () => fanout.behind, { holds: (seen) => seen === 0 });
  assert.deepEqual(
    keys(got(late.sink)),
    kept.map(({ partition, id }) => `${partition}:${parseInt(id, 10)}`).toSorted(),
  );
});

test('a bounded replay that was told of a loss ends where it was to end', async () => {
  const entries = Array.from({ length: 30 }, (_, at) => entry(at % PARTITIONS, at + 1));
  const trimmed = ['13-0', '14-0', '15-0'];
  const fanout = fanoutOver(entries.slice(15), { trimmed });
  fanout.deliver(entries);
  const told: string[] = [];
  const tells = { lost: (reason: string) => told.push(reason), finished: () => told.push('finished') };
  const replay = join(fanout, { from: START, until: ['19-0', '20-0', '18-0'] }, tells);
  await until('something told', () => told.length, { holds: (seen) => seen > 0 });
  fanout.seek(replay.connection, { epoch: EPOCH, ids: trimmed });
  await until('something else told', () => told.length, { holds: (seen) => seen > 1 });
  assert.deepEqual(told, ['cursor_too_old', 'finished']);
  assert.deepEqual(keys(got(replay.sink)), ['0:16', '0:19', '1:17', '1:20', '2:18']);
});

test('I3, I4: after a loss nothing is written until the connection is sought elsewhere, and then everything once', async () => {
  const entries = Array.from({ length: 900 }, (_, at) => entry(at % PARTITIONS, at + 1));
  const fanout = fanoutOver(entries, { tailBytes: 1, highWater: 100 });
  fanout.restart({ epoch: 'an older one', ...EMPTY });
  const told = { live: 0, slow: 0 };
  const live = join(fanout, {}, { lost: () => (told.live += 1) });
  const slow = join(fanout, {}, { lost: () => (told.slow += 1) });
  slow.sink.stall();
  for (const at of [1, 2, 3]) fanout.deliver([entry(0, at)]);
  const before = fanout.positionOf(live.connection);
  fanout.restart({ epoch: 'one that nobody reads', ...EMPTY });
  fanout.restart({ epoch: EPOCH, ...EMPTY });
  for (const read of deal(entries, [1, 2, 3])) fanout.deliver(read);
  assert.deepEqual([told, got(live.sink).length], [{ live: 1, slow: 1 }, 3]);
  assert.deepEqual(fanout.positionOf(live.connection), before);
  for (const { connection } of [live, slow]) fanout.seek(connection, START);
  slow.sink.flow();
  await until('nobody behind', () => fanout.behind, { holds: (seen) => seen === 0 });
  const all = entries.map(({ partition, id }) => `${partition}:${parseInt(id, 10)}`).toSorted();
  for (const { sink } of [live, slow]) assert.deepEqual(keys(got(sink).filter(isOfThisLife)), all);
});

/**
 * A connection that did not drain for this long under a policy: the events that it got, and the position from which a
 * gap was reported to it.
 */
async function behindFor(milliseconds: number, policy: SlowPolicy) {
  let now = 0;
  const fanout = fanoutOver([], { highWater: 100, now: () => now });
  const skipped: string[] = [];
  const slow = join(fanout, { policy }, { skipped: (last) => skipped.push(last.ids[0] ?? '') });
  const other = join(fanout);
  slow.sink.stall();
  for (let at = 1; at <= 20; at += 1) fanout.deliver([entry(0, at)]);
  now = milliseconds;
  slow.sink.flow();
  await until('nobody behind', () => fanout.behind, { holds: (seen) => seen === 0 });
  fanout.deliver([entry(0, 21)]);
  assert.equal(got(other.sink).length, 21);
  return { numbers: got(slow.sink).map(({ n }) => n), skipped };
}

const EVERYTHING = Array.from({ length: 21 }, (_, at) => at + 1);

test('CatchUp: who is slow gets everything, later', async () => {
  assert.deepEqual(await behindFor(SLOW_AFTER_MS, 'CatchUp'), { numbers: EVERYTHING, skipped: [] });
});

test('Latest: who is slow skips to live and is told from where; a burst is no slowness', async () => {
  assert.deepEqual(await behindFor(SLOW_AFTER_MS - 1, 'Latest'), { numbers: EVERYTHING, skipped: [] });
  const { numbers, skipped } = await behindFor(SLOW_AFTER_MS, 'Latest');
  const [last = ''] = skipped;
  assert.equal(skipped.length, 1);
  assert.deepEqual(numbers, [...EVERYTHING.slice(0, parseInt(last, 10)), 21]);
});

test('poison is told to whom it may have been for: by its meta line, and to everybody where that cannot be read', () => {
  const fanout = fanoutOver([]);
  const counts = { root: 0, filtered: 0 };
  const grant = { account: 'root', accounts: null, events: ['CHANNEL_ANSWER'] };
  join(fanout, {}, { poison: (entries) => (counts.root += entries) });
  join(fanout, { grant }, { poison: (entries) => (counts.filtered += entries) });
  fanout.deliver([entry(0, 1, 'no object'), { ...entry(0, 2), meta: 'nonsense' }]);
  assert.deepEqual(counts, { root: 2, filtered: 1 });
});

test('a filter that changes while a connection is behind applies exactly after its position', async () => {
  const entries = Array.from({ length: 60 }, (_, at) => entry(at % PARTITIONS, at + 1));
  const fanout = fanoutOver(entries, { highWater: 100 });
  const client = join(fanout);
  client.sink.stall();
  for (const read of deal(entries, [5, 1])) fanout.deliver(read);
  const position = fanout.positionOf(client.connection);
  fanout.refilter(client.connection, { account: 'root', accounts: null, events: ['CHANNEL_ANSWER'] });
  client.sink.flow();
  await until('nobody behind', () => fanout.behind, { holds: (seen) => seen === 0 });
  const expected = entries.filter(({ partition, id }) => compareIds(id, position?.ids[partition] ?? '0-0') <= 0);
  assert.deepEqual(
    keys(got(client.sink)),
    expected.map(({ partition, id }) => `${partition}:${parseInt(id, 10)}`).toSorted(),
  );
  fanout.leave(client.connection);
  assert.deepEqual(fanout.sizes(), { connections: 0, views: 0, encodings: 0, buckets: 0, behind: 0 });
});
