import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { until } from '../../testing/until.ts';
import type { Grant } from '../auth/grant.ts';
import { cursors } from '../testing/cursors.ts';
import { entryOf } from '../testing/entries.ts';
import { seeded } from '../testing/hostile.ts';
import { InflatingSink } from '../testing/inflating-sink.ts';
import { expectedNotices } from '../testing/notices.ts';
import { RecordingSink } from '../testing/sink.ts';
import { treeOf } from '../testing/tree.ts';
import { DEFLATED_A_TURN } from './compression-policy.ts';
import { PLAIN, type Form } from './encoding.ts';
import { Fanout } from './fanout.ts';

const GRANT: Grant = { account: 'root', accounts: null, events: null };
const SHARED: Form = { ...PLAIN, transport: 'shared' };

function open(highWater?: number): Fanout {
  const fanout = new Fanout({
    directory: treeOf([
      ['root', null],
      ['a', 'root'],
      ['b', 'root'],
    ]),
    offers: () => true,
    cursors,
    pages: () => Promise.reject(new Error('no page is expected here')),
    ...(highWater !== undefined && { highWater }),
  });
  fanout.restart({ epoch: 'e', oldest: ['0-0'], newest: ['0-0'], trimmed: ['0-0'] });
  return fanout;
}

const join = (fanout: Fanout, form: Form, sink: RecordingSink, grant = GRANT) =>
  fanout.join({ grant, form, sink, notices: expectedNotices({}) });

const event = (sequence: number, account = 'a') =>
  entryOf({
    sequence,
    account,
    data: JSON.stringify({
      'Event-Name': 'CHANNEL_ANSWER',
      n: sequence,
      account,
      filler: 'abc-'.repeat(80 + (sequence % 50)),
    }),
  });

const crowd = (fanout: Fanout, size: number, form = SHARED) =>
  Array.from({ length: size }, () => {
    const sink = new InflatingSink();
    join(fanout, form, sink);
    return sink;
  });

test('D1: joins, changed filters, slow spells and every transport: each connection gets the exact texts', async () => {
  const random = seeded(19);
  const fanout = open(64 * 1024);
  const forms: readonly Form[] = [SHARED, SHARED, SHARED, { ...PLAIN, transport: 'self' }];
  const members = new Map<ReturnType<typeof join>, { sink: InflatingSink; expected: string[]; from: string | null }>();
  let sequence = 0;
  for (let step = 0; step < 500; step += 1) {
    fanout.useLoad(random() < 0.1 ? 0.95 : 0.3);
    if (members.size < 40 && random() < 0.2) {
      const form = forms[Math.floor(random() * forms.length)] ?? SHARED;
      const sink = new InflatingSink(form.transport === 'self');
      members.set(join(fanout, form, sink), { sink, expected: [], from: null });
    }
    const [connection, member] = [...members][Math.floor(random() * members.size)] ?? [];
    if (connection !== undefined && member !== undefined) {
      const what = random();
      if (what < 0.05) member.sink.stall();
      else if (what < 0.2) member.sink.flow();
      else if (what < 0.25 && connection.behind === null) {
        member.from = member.from === null ? 'b' : null;
        fanout.refilter(connection, { ...GRANT, account: member.from ?? 'root' });
      }
    }
    const entries = Array.from({ length: 1 + Math.floor(random() * 5) }, () => {
      sequence += 1;
      return event(sequence, random() < 0.5 ? 'a' : 'b');
    });
    for (const { meta, data } of entries) {
      for (const one of members.values()) {
        if (one.from === null || meta.includes(`\t${one.from}\t`)) one.expected.push(data.toString());
      }
    }
    fanout.deliver(entries);
    if (step % 10 === 0) await nextTurn();
  }
  for (const { sink } of members.values()) sink.flow();
  await until('all have caught up', () => fanout.behind === 0);
  for (const { sink, expected } of members.values()) assert.deepEqual(sink.texts, expected);
  assert.ok([...members.values()].every(({ sink }) => sink.compressed > 0));
});

test('connections of a view share one Buffer of each round, which is a fraction of its texts', () => {
  const fanout = open();
  const sinks = crowd(fanout, 20);
  for (let sequence = 0; sequence < 100; sequence += 1) fanout.deliver([event(sequence)]);
  const [first] = sinks;
  for (const sink of sinks) assert.deepEqual(sink.chunks, first?.chunks);
  const texts = first?.texts.join('').length ?? 0;
  const bytes = first?.chunks.reduce((sum, { length }) => sum + length, 0) ?? 0;
  assert.ok(bytes < texts / 5, `${bytes} of ${texts}`);
  assert.ok(fanout.counters.savedBytes > 0.7 * 20 * texts);
  assert.ok(fanout.counters.compressMs > 0);
});

test('F1: an event is compressed by itself once for all views that have few connections', () => {
  const fanout = open();
  const views = ['root', 'a'].map((account) => {
    const sink = new InflatingSink();
    join(fanout, SHARED, sink, { ...GRANT, account });
    return sink;
  });
  fanout.deliver([event(1), event(2)]);
  assert.deepEqual(views[0]?.chunks, views[1]?.chunks);
  assert.equal(views[0]?.compressed, 2);
});

test('D4: without the extension every byte is what it was, whatever others have', () => {
  const [alone, beside] = [open(), open()];
  const sinks = [alone, beside].map((fanout) => {
    const sink = new RecordingSink();
    join(fanout, PLAIN, sink);
    return sink;
  });
  crowd(beside, 10);
  for (const fanout of [alone, beside]) for (let n = 0; n < 50; n += 1) fanout.deliver([event(n), event(n + 100)]);
  assert.equal(sinks[1]?.chunks.length, 50);
  assert.ok(Buffer.concat(sinks[1].chunks).equals(Buffer.concat(sinks[0]?.chunks ?? [])));
  assert.equal(alone.counters.compressMs, 0);
});

test('where CPU is short a view of few connections gets its texts as they are, and continues where it was', () => {
  const fanout = open();
  const [sink] = crowd(fanout, 10);
  assert.ok(sink !== undefined);
  const compressed = (busy: number, sequence: number) => {
    const before = sink.compressed;
    fanout.useLoad(busy);
    fanout.deliver([event(sequence)]);
    return sink.compressed - before;
  };
  assert.deepEqual([compressed(0.5, 1), compressed(0.95, 2), compressed(0.5, 3)], [1, 0, 1]);
  assert.equal(sink.texts.length, 3);
});

test('a round of more events than a turn of the event loop may compress goes to few connections as it is', () => {
  const fanout = open();
  const [sink] = crowd(fanout, 1);
  const deliver = (events: number) => fanout.deliver(Array.from({ length: events }, (_, n) => event(n % 20)));
  deliver(DEFLATED_A_TURN + 1);
  assert.equal(sink?.compressed, 0);
  deliver(DEFLATED_A_TURN);
  assert.equal(sink.compressed, DEFLATED_A_TURN);
  assert.equal(sink.texts.length, 2 * DEFLATED_A_TURN + 1);
});

test('D3: what is kept for compressing grows with views and not with connections', () => {
  const fanout = open();
  const before = fanout.sizes();
  const connections = Array.from({ length: 100 }, () => join(fanout, SHARED, new InflatingSink()));
  for (let n = 0; n < 30; n += 1) fanout.deliver([event(n)]);
  assert.equal(fanout.sizes().views, 1);
  for (const connection of connections) {
    assert.deepEqual(Object.keys(connection).toSorted(), [
      'behind',
      'closed',
      'mark',
      'notices',
      'policy',
      'sink',
      'view',
    ]);
    fanout.leave(connection);
  }
  assert.deepEqual(fanout.sizes(), before);
});

test('small and very large events go out as they are, in step or not', () => {
  const fanout = open();
  const [sink] = crowd(fanout, 10);
  const datas = [
    '{"n":1}',
    JSON.stringify({ filler: 'x'.repeat(70_000) }),
    event(3).data.toString(),
    event(4).data.toString(),
  ];
  fanout.deliver(datas.map((data, at) => entryOf({ sequence: at, account: 'a', data })));
  assert.deepEqual(sink?.texts, datas);
  assert.equal(sink?.compressed, 2);
});

test('with no_context_takeover the length of an event says nothing about the events before it', () => {
  const lengths = (transport: Form['transport'], before: number) => {
    const fanout = open();
    const [sink] = crowd(fanout, 10, { ...SHARED, transport });
    for (let n = 0; n < 30; n += 1) fanout.deliver([secret(before)]);
    fanout.deliver([secret(7_777)]);
    return sink?.chunks.at(-1)?.length;
  };
  assert.equal(lengths('self', 7_777), lengths('self', 1_234));
  // What shared streams reveal, and why that is documented.
  assert.notEqual(lengths('shared', 7_777), lengths('shared', 1_234));
});

/** An event with content that another event may have too. */
const secret = (of: number) =>
  entryOf({
    sequence: of,
    account: 'a',
    data: JSON.stringify({ 'Event-Name': 'X', secret: createHash('md5').update(String(of)).digest('hex').repeat(10) }),
  });
