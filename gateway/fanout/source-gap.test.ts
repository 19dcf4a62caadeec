import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import type { EventLog, StoredEntry } from '../../event-log/event-log.ts';
import { encodeMeta } from '../../protocol/entry.ts';
import { encodeSourceGap, SOURCE_GAP, sourceGapId, type SourceGap } from '../../protocol/source-gap.ts';
import { until } from '../../testing/until.ts';
import { cursors } from '../testing/cursors.ts';
import { entryOf } from '../testing/entries.ts';
import { expectedNotices } from '../testing/notices.ts';
import { RecordingSink } from '../testing/sink.ts';
import { treeOf } from '../testing/tree.ts';
import { Encodings, PLAIN } from './encoding.ts';
import type { ConnectionOptions, FanoutOptions } from './fanout-options.ts';
import { Fanout } from './fanout.ts';
import { createPages } from './pages.ts';
import { RouteIndex } from './route-index.ts';
import { SourceGapNotice } from './source-gap-notice.ts';
import { View, viewKey } from './view.ts';

const GRANT = { account: 'root', accounts: null, events: null };
const GAP: SourceGap = {
  source: 'telephony/pbx',
  endpoint: 'pbx-inner-1',
  reason: 'connection_lost',
  from: Date.parse('2026-01-31T09:30:00.000Z'),
  to: Date.parse('2026-01-31T09:31:00.000Z'),
  legs_ended: 2,
  legs_begun: 1,
};
const META = { name: SOURCE_GAP, account: '', callId: '', ingestedAt: '', traceparent: '' };

function gapEntry(sequence: number, data = encodeSourceGap(GAP)): StoredEntry {
  const meta = encodeMeta({ ...META, eventId: sourceGapId(GAP) });
  return { partition: 0, id: `${1_700_000_000_000 + sequence}-0`, meta, data: Buffer.from(data) };
}

const event = (sequence: number) => entryOf({ sequence, account: 'root', data: `{"n":${sequence}}` });

function open(more: Partial<FanoutOptions> = {}): Fanout {
  const fanout = new Fanout({
    directory: treeOf([['root', null]]),
    offers: () => true,
    cursors,
    pages: async (from) => ({ kind: 'page', rounds: [], ids: from.ids, complete: true }),
    ...more,
  });
  fanout.restart({ epoch: 'e', oldest: ['0-0'], newest: ['0-0'], trimmed: ['0-0'] });
  return fanout;
}

/** A connection that writes its gaps where a control client gets them: between its events. */
function join(fanout: Fanout, more: Partial<ConnectionOptions> = {}) {
  const sink = new RecordingSink();
  const poison: number[] = [];
  const notices = expectedNotices({
    sourceGap: (notice) => sink.write(notice.frame(true, 'websocket'), null),
    poison: (entries) => poison.push(entries),
    finished: () => undefined,
  });
  const connection = fanout.join({ grant: GRANT, form: PLAIN, sink, notices, ...more });
  const seen = () =>
    sink.messages().map((text) => (text.includes('source_gap') ? 'gap' : (JSON.parse(text) as { n: number }).n));
  return { sink, connection, seen, poison };
}

/** S4, the part of the gateway: a gap reaches every connection at its place in the order. */
describe('a gap of a source', () => {
  test('S4: is told to live connections between the events before and behind it, whatever they may see', () => {
    const told: SourceGapNotice[] = [];
    const fanout = open({ onSourceGap: (notice) => told.push(notice) });
    const all = join(fanout);
    const filtered = join(fanout, { grant: { ...GRANT, events: ['DTMF'] } });
    fanout.deliver([event(1), event(2), gapEntry(3), event(4), gapEntry(5), gapEntry(6), event(7)]);
    assert.deepEqual(all.seen(), [1, 2, 'gap', 4, 'gap', 'gap', 7]);
    assert.deepEqual(filtered.seen(), ['gap', 'gap', 'gap']);
    assert.equal(told.length, 3);
    assert.deepEqual(fanout.position?.ids, ['1700000000007-0']);
    assert.deepEqual([fanout.counters.deliveries, fanout.counters.unknownAccount, fanout.counters.poison], [4, 0, 0]);
  });

  test('S4: is told at its place to a connection that is behind, and to one that resumes from a cursor', async () => {
    const fanout = open({ highWater: 1 });
    const slow = join(fanout);
    slow.sink.stall();
    const start = fanout.position;
    assert.ok(start);
    fanout.deliver([event(1), gapEntry(2), event(3)]);
    fanout.deliver([gapEntry(4)]);
    assert.deepEqual(slow.seen(), [1]);
    slow.sink.flow();
    const resumed = join(fanout, { from: start });
    const later = join(fanout, { from: { epoch: 'e', ids: ['1700000000002-0'] } });
    for (const { seen } of [slow, resumed]) await until('all of it', seen, { holds: (found) => found.length === 4 });
    await until('what is behind the cursor', later.seen, { holds: (found) => found.length === 2 });
    await until('all connections live', () => fanout.behind, { holds: (behind) => behind === 0 });
    for (const { seen } of [slow, resumed]) assert.deepEqual(seen(), [1, 'gap', 3, 'gap']);
    assert.deepEqual(later.seen(), [3, 'gap']);
  });

  test('a resume within a round that was read in another interleaving repeats no gap', async () => {
    const fanout = open();
    fanout.restart({ epoch: 'e', oldest: ['0-0', '0-0'], newest: ['0-0', '0-0'], trimmed: ['0-0', '0-0'] });
    const behind = (sequence: number) => ({ ...event(sequence), partition: 1 });
    fanout.deliver([behind(1), gapEntry(2), event(3)]);
    const ahead = join(fanout, { from: { epoch: 'e', ids: ['1700000000002-0', '0-0'] } });
    await until('the other two', ahead.seen, { holds: (found) => found.length === 2 });
    assert.deepEqual(ahead.seen(), [1, 3]);
  });

  test('S4: is told from pages of the log, to the end of a bounded replay', async () => {
    const eventLog = createEmbeddedLog({ partitions: 1, maxBytes: 1e6, now: Date.now });
    await using _ = eventLog;
    const stop = new AbortController();
    await eventLog.append([1, 2].map((n) => newEvent(n)));
    await eventLog.append([
      { ...META, eventId: sourceGapId(GAP), data: Buffer.from(encodeSourceGap(GAP)) },
      newEvent(3),
    ]);
    const state = await eventLog.state();
    const fanout = open({ pages: createPages(eventLog, stop.signal) });
    fanout.restart(state);
    const replay = join(fanout, { from: { epoch: state.epoch, ids: ['0-0'] }, until: state.newest });
    await until('the whole replay', replay.seen, { holds: (found) => found.length === 4 });
    assert.deepEqual(replay.seen(), [1, 2, 'gap', 3]);
    stop.abort();
  });

  test('that cannot be read is poison, for every connection', async () => {
    const reasons: string[] = [];
    const fanout = open({ unroutable: { poison: (_, reason) => reasons.push(reason) } });
    const live = join(fanout, { grant: { ...GRANT, accounts: ['root'] } });
    const start = fanout.position;
    assert.ok(start);
    for (const data of ['{}', 'not json', JSON.stringify({ ...GAP, to: 9e15 })]) fanout.deliver([gapEntry(1, data)]);
    const resumed = join(fanout, { from: start });
    await until('the resume', () => fanout.behind, { holds: (behind) => behind === 0 });
    for (const { poison, seen } of [live, resumed]) {
      assert.deepEqual(poison, [1, 1, 1]);
      assert.deepEqual(seen(), []);
    }
    assert.deepEqual(reasons, ['source_gap', 'source_gap', 'source_gap']);
  });

  test('any number of them is bounded in memory, for a connection that reads nothing too', () => {
    const fanout = open({ tailBytes: 100_000, highWater: 1_000 });
    const stalled = join(fanout);
    stalled.sink.stall();
    for (let sequence = 1; sequence <= 10_000; sequence += 1) fanout.deliver([gapEntry(sequence)]);
    assert.ok(stalled.sink.queued < 2_000, String(stalled.sink.queued));
    // How many entries it is behind is known only while they are in the tail.
    assert.equal(fanout.entriesBehind(stalled.connection), null);
  });

  test('one that leaves or falls behind while it is told disturbs no other', async () => {
    const fanout = open();
    const leaving = join(fanout, {
      notices: expectedNotices({ sourceGap: () => fanout.leave(leaving.connection) }),
    });
    const other = join(fanout);
    fanout.deliver([gapEntry(1), event(2)]);
    await nextTurn();
    assert.deepEqual(other.seen(), ['gap', 2]);
    assert.equal(fanout.connections, 1);
  });
});

test('a tenant sees neither the name of the source nor of its switch, and no counts of other accounts', () => {
  const notice = new SourceGapNotice(gapEntry(1), GAP, cursors.pseudonym(GAP.source));
  const parse = (withCounts: boolean) => {
    const frame = notice.frame(withCounts, 'websocket');
    return JSON.parse(frame.toString('utf8', frame.indexOf('{'))) as { _firehose: Record<string, unknown> };
  };
  const cut = parse(false)._firehose;
  assert.deepEqual(cut, {
    type: 'source_gap',
    source: notice.pseudonym,
    reason: 'connection_lost',
    from: '2026-01-31T09:30:00.000Z',
    to: '2026-01-31T09:31:00.000Z',
    legs_ended: null,
    legs_begun: null,
  });
  assert.deepEqual(parse(true)._firehose, { ...cut, legs_ended: 2, legs_begun: 1 });
  for (const name of ['telephony', 'pbx', 'pbx-inner-1']) assert.ok(!JSON.stringify(parse(true)).includes(name), name);
  assert.equal(cursors.pseudonym(GAP.source), notice.pseudonym);
  assert.notEqual(cursors.pseudonym('telephony/other'), notice.pseudonym);
  // One frame for all connections that may see the same.
  assert.equal(notice.frame(false, 'sse'), notice.frame(false, 'sse'));
});

test('a gateway that does not know gaps gives the entry to nobody: without an account no view matches', () => {
  const index = new RouteIndex(treeOf([['root', null]]), () => true);
  const encoding = new Encodings().hold(PLAIN);
  index.add(new View(viewKey(GRANT, encoding.key), GRANT, encoding));
  const { meta } = gapEntry(1);
  assert.deepEqual([index.match(meta).views, index.match(meta).outcome], [[], 'unknown_account']);
});

function newEvent(n: number): Parameters<EventLog['append']>[0][number] {
  return {
    name: 'DTMF',
    account: 'root',
    callId: 'c',
    eventId: `e${n}`,
    traceparent: '',
    data: Buffer.from(`{"n":${n}}`),
  };
}
