import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../../testing/until.ts';
import type { Grant } from '../auth/grant.ts';
import { isWithin, type Directory } from '../directory/directory.ts';
import { cursors, openCursor } from '../testing/cursors.ts';
import { entryOf } from '../testing/entries.ts';
import { seeded } from '../testing/hostile.ts';
import { RecordingSink } from '../testing/sink.ts';
import { expectedNotices } from '../testing/notices.ts';
import { treeOf } from '../testing/tree.ts';
import type { FanoutOptions } from './fanout-options.ts';
import { Fanout } from './fanout.ts';
import { PLAIN, WITH_META, type Form } from './encoding.ts';

const TREE: [string, string | null][] = [
  ['root', null],
  ['a', 'root'],
  ['b', 'root'],
  ['a1', 'a'],
];
const LIMIT = { timeout: 20_000 };
const EVERYTHING: Grant = { account: 'root', accounts: null, events: null };

function open(options: Partial<FanoutOptions> = {}): Fanout {
  const fanout = new Fanout({
    directory: treeOf(TREE),
    offers: () => true,
    cursors,
    pages: () => Promise.reject(new Error('no page is expected here')),
    ...options,
  });
  fanout.restart({ epoch: 'e', oldest: ['0-0', '0-0'], newest: ['0-0', '0-0'], trimmed: ['0-0', '0-0'] });
  return fanout;
}

function join(fanout: Fanout, grant: Grant = EVERYTHING, form: Form = PLAIN) {
  const sink = new RecordingSink();
  const losses: string[] = [];
  const connection = fanout.join({
    grant,
    form,
    sink,
    notices: expectedNotices({
      lost: (reason) => {
        losses.push(reason);
        fanout.leave(connection);
      },
    }),
  });
  return { sink, losses, connection };
}

describe('fan-out', () => {
  test('the more connections there are, the fewer entries are delivered at one go', () => {
    const fanout = open();
    const entries = Array.from({ length: 1_000 }, (_, n) => entryOf({ sequence: n + 1, account: 'a', data: '{}' }));
    const lengths = () => [...fanout.batches(entries)].map(({ length }) => length);
    assert.deepEqual(lengths(), [1_000]);
    for (let n = 0; n < 2_048; n += 1) join(fanout);
    assert.deepEqual(lengths(), [250, 250, 250, 250]);
  });

  test('an event reaches its own account and every account above it, byte for byte', () => {
    const fanout = open();
    const [root, a, b] = ['root', 'a', 'b'].map((account) => join(fanout, { account, accounts: null, events: null }));
    const data = '{ "Event-Name" : "CHANNEL_ANSWER",\n "n": 1.0, "näme":"é" }';
    fanout.deliver([entryOf({ sequence: 1, account: 'a1', data })]);
    assert.deepEqual(root?.sink.messages(), [data]);
    assert.deepEqual(a?.sink.messages(), [data]);
    assert.deepEqual(b?.sink.messages(), []);
  });

  test('a list of accounts means exactly these, and a list of events exactly those', () => {
    const fanout = open();
    const exact = join(fanout, { account: 'root', accounts: ['a'], events: ['CHANNEL_DESTROY'] });
    fanout.deliver([
      entryOf({ sequence: 1, account: 'a', name: 'CHANNEL_DESTROY', data: '{"n":1}' }),
      entryOf({ sequence: 2, account: 'a', name: 'CHANNEL_ANSWER', data: '{"n":2}' }),
      entryOf({ sequence: 3, account: 'a1', name: 'CHANNEL_DESTROY', data: '{"n":3}' }),
      entryOf({ sequence: 4, account: 'root', name: 'CHANNEL_DESTROY', data: '{"n":4}' }),
    ]);
    assert.deepEqual(exact.sink.messages(), ['{"n":1}']);
  });

  test('an event without an account, or of one the directory does not hold, reaches nobody and is counted', () => {
    const fanout = open();
    const { sink } = join(fanout);
    for (const account of ['', 'nobody', '__proto__', 'constructor', 'A']) {
      fanout.deliver([entryOf({ sequence: 1, account })]);
    }
    assert.deepEqual(sink.messages(), []);
    assert.equal(fanout.counters.unknownAccount, 5);
  });

  test('a round is one write a connection, whatever the number of events and views', () => {
    const fanout = open();
    const sinks = [null, ['CHANNEL_ANSWER', 'X_1'], ['CHANNEL_ANSWER', 'X_2'], ['CHANNEL_ANSWER', 'X_2']].map(
      (events) => join(fanout, { account: 'root', accounts: null, events }).sink,
    );
    const entries = Array.from({ length: 40 }, (_, at) =>
      entryOf({ sequence: at, account: 'a', name: at % 4 === 0 ? 'CHANNEL_HOLD' : 'CHANNEL_ANSWER' }),
    );
    fanout.deliver(entries);
    assert.deepEqual(
      sinks.map((sink) => sink.chunks.length),
      [1, 1, 1, 1],
    );
    assert.deepEqual(
      sinks.map((sink) => sink.messages().length),
      [40, 30, 30, 30],
    );
    assert.equal(fanout.counters.deliveries, 130);
  });

  test('frames of every length form carry their payload whole', () => {
    const fanout = open();
    const { sink } = join(fanout);
    const datas = [0, 100, 117, 118, 65_000, 65_600, 200_000].map((length) => `{"x":"${'y'.repeat(length)}"}`);
    fanout.deliver(datas.map((data, at) => entryOf({ sequence: at, account: 'a', data })));
    assert.deepEqual(sink.messages(), datas);
  });

  test('with meta=1 one trailing key is added to the bytes, with increasing cursors', () => {
    const fanout = open();
    const plain = join(fanout);
    const meta = join(fanout, EVERYTHING, WITH_META);
    fanout.deliver([
      entryOf({ sequence: 1, account: 'a', partition: 1, data: '{"n":1}' }),
      entryOf({ sequence: 2, account: 'a', data: '{ }' }),
    ]);
    assert.deepEqual(plain.sink.messages(), ['{"n":1}', '{ }']);
    const [first, second] = meta.sink.messages().map((text) => JSON.parse(text));
    assert.equal(first.n, 1);
    assert.equal(first._firehose.account_id, 'a');
    assert.equal(first._firehose.id, 'e1');
    assert.match(first._firehose.ingested_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    assert.deepEqual(openCursor(first._firehose.cursor, 2)?.ids, ['0-0', '1700000000001-0']);
    assert.deepEqual(openCursor(second._firehose.cursor, 2)?.ids, ['1700000000002-0', '1700000000001-0']);
  });

  test('an entry whose id or time is none, made by hand, is delivered with an unknown time and ends nobody', () => {
    const fanout = open();
    const meta = join(fanout, EVERYTHING, WITH_META);
    const sound = entryOf({ sequence: 1, account: 'a', data: '{"n":1}' });
    const times = ['-5', '18446744073709551615', 'x'];
    fanout.deliver([
      { ...sound, meta: '1\tDTMF\ta', id: '18446744073709551614-1' },
      ...times.map((time) => ({ ...sound, meta: `1\tDTMF\ta\tc\te\t${time}\t`, id: '18446744073709551615-1' })),
    ]);
    const messages = meta.sink.messages().map((text) => JSON.parse(text));
    assert.equal(messages.length, 4);
    for (const { _firehose: added } of messages) {
      assert.equal(added.account_id, 'a');
      assert.equal(added.ingested_at, null);
    }
    assert.equal(fanout.position?.ids[0], '18446744073709551615-1');
  });

  test('poison is skipped and counted, and the position passes it', () => {
    const poison: string[] = [];
    const fanout = open({ unroutable: { poison: (_, reason) => void poison.push(reason) } });
    const { sink } = join(fanout);
    const sound = entryOf({ sequence: 1, account: 'a', data: '{"_firehosed":1,"deep":{"_firehose":1}}' });
    fanout.deliver([
      sound,
      { ...sound, id: '1700000000002-0', meta: '' },
      { ...sound, id: '1700000000003-0', data: Buffer.from('[1]') },
      { ...sound, id: '1700000000004-0', data: Buffer.from('{"a":1,"_firehose":2}') },
      { ...sound, id: '1700000000005-0', data: Buffer.from([0x7b, 0xff, 0x7d]) },
      { ...sound, id: '1700000000006-0', data: Buffer.from(`{"x":"${'y'.repeat(1024 * 1024)}"}`) },
      { ...sound, id: '1700000000007-0', data: Buffer.from('{"Caller-ID-Name":"O"Brien","n":2}') },
      { ...sound, id: '1700000000008-0', data: Buffer.from('{"\\u005ffirehose":{"type":"drain"}}') },
      { ...sound, id: '1700000000009-0', data: Buffer.from(`{"x":${'['.repeat(40)}${']'.repeat(40)}}`) },
      { ...sound, id: '1700000000010-0', meta: '1\t\ta' },
    ]);
    assert.deepEqual(sink.messages(), ['{"_firehosed":1,"deep":{"_firehose":1}}']);
    const asWritten = ['meta_line', 'not_an_object', 'reserved_key', 'not_utf8', 'too_large'];
    assert.deepEqual(poison, [...asWritten, 'not_an_object', 'reserved_key', 'too_deep', 'meta_line']);
    assert.deepEqual(fanout.position?.ids, ['1700000000010-0', '0-0']);
  });

  test('white space around an object stays where it is, and meta still ends the object', () => {
    const fanout = open();
    const plain = join(fanout);
    const meta = join(fanout, EVERYTHING, WITH_META);
    const datas = [' {"n":1}\n', '{"n":{"m":2} }\r\n\t', '\n{ }\n'];
    fanout.deliver(datas.map((data, sequence) => entryOf({ sequence, account: 'a', data })));
    assert.deepEqual(plain.sink.messages(), datas);
    const added = meta.sink.messages().map((text) => JSON.parse(text) as Record<string, unknown>);
    assert.deepEqual(
      added.map((event) => Object.keys(event)),
      [['n', '_firehose'], ['n', '_firehose'], ['_firehose']],
    );
  });

  test('I6: a socket that does not drain is left out, delays nobody, and pulls what it missed in order', async () => {
    const fanout = open({ highWater: 1_000 });
    const slow = join(fanout, { account: 'root', accounts: null, events: ['CHANNEL_ANSWER'] });
    const fast = join(fanout);
    slow.sink.stall();
    for (let at = 0; at < 100; at += 1) fanout.deliver([entryOf({ sequence: at, account: 'a' })]);
    assert.equal(fast.sink.messages().length, 100);
    assert.ok(slow.sink.messages().length < 30);
    assert.equal(fanout.behind, 1);
    slow.sink.flow();
    await until('nobody behind', () => fanout.behind, { holds: (seen) => seen === 0 });
    fanout.deliver([entryOf({ sequence: 100, account: 'a' })]);
    assert.deepEqual(slow.sink.messages(), fast.sink.messages());
    assert.equal(slow.sink.messages().length, 101);
  });

  test('events of accounts that the directory lacks are told, unless other resources use the log too', () => {
    const told: [string, number][] = [];
    let isShared = false;
    const unknownAccount = (account: string, entries: number) => void told.push([account, entries]);
    const fanout = open({ unroutable: { isShared: () => isShared, unknownAccount } });
    fanout.deliver([1, 2].map((sequence) => entryOf({ sequence, account: 'new' })));
    isShared = true;
    fanout.deliver([entryOf({ sequence: 3, account: 'theirs' })]);
    assert.deepEqual(told, [['new', 2]]);
    assert.deepEqual([fanout.counters.unknownAccount, fanout.counters.foreignAccount], [2, 1]);
  });

  test(
    'an unexpected error of a page is counted and given to its owner, and the connection gets the loss',
    LIMIT,
    async () => {
      const errors: unknown[] = [];
      const broken = new Error('broken');
      const fanout = open({ pages: () => Promise.reject(broken), onError: (error) => errors.push(error) });
      const { promise: lost, resolve } = Promise.withResolvers<string>();
      const from = { epoch: 'e', ids: ['0-0', '0-0'] };
      const end = ['1-0', '0-0'];
      fanout.deliver([entryOf({ sequence: 1, account: 'a' })]);
      fanout.join({
        grant: EVERYTHING,
        form: PLAIN,
        sink: new RecordingSink(),
        from,
        until: end,
        notices: expectedNotices({ lost: resolve }),
      });
      assert.equal(await lost, 'cursor_too_old');
      assert.deepEqual(errors, [broken]);
      assert.equal(fanout.counters.pageErrors, 1);
    },
  );

  test('I4: a connection that left the tail is told with its last position when the log has lost it too', async () => {
    const fanout = open({
      highWater: 1,
      tailBytes: 200,
      pages: async () => ({ kind: 'lost', reason: 'cursor_too_old' }),
    });
    const slow = join(fanout);
    slow.sink.stall();
    for (let at = 0; at < 50; at += 1) fanout.deliver([entryOf({ sequence: at, account: 'a' })]);
    slow.sink.flow();
    await until('a loss told', () => slow.losses.length, { holds: (seen) => seen > 0 });
    assert.deepEqual(slow.losses, ['cursor_too_old']);
    assert.equal(fanout.connections, 0);
  });

  test('I4: a new epoch is told to everyone who is connected', () => {
    const fanout = open();
    const { losses } = join(fanout);
    fanout.restart({ epoch: 'other', oldest: ['0-0', '0-0'], newest: ['5-0', '0-0'], trimmed: ['0-0', '0-0'] });
    assert.deepEqual(losses, ['epoch_lost']);
    assert.deepEqual(fanout.position, { epoch: 'other', ids: ['5-0', '0-0'] });
  });

  test('I10: views and the index shrink to nothing when everyone has left', () => {
    const fanout = open();
    const everyone = Array.from({ length: 50 }, (_, at) =>
      join(fanout, { account: 'root', accounts: [`a`, `x${at}`], events: [`E_${at}`] }),
    );
    for (const { connection } of everyone) {
      fanout.leave(connection);
      fanout.leave(connection);
    }
    assert.deepEqual(fanout.sizes(), { connections: 0, views: 0, encodings: 0, buckets: 0, behind: 0 });
  });
});

test('I5: against an oracle, no event leaves its scope while accounts move, for look-alike ids too', async () => {
  const random = seeded(7);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const odd = ['__proto__', 'constructor', 'a', 'A', 'aa', 'a_', 'a-', 'toString', '0', '00'];
  const ids = [...odd, ...Array.from({ length: 1_000 - odd.length }, (_, at) => `acc${at}`)];
  const names = ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY', 'DTMF'];
  const parents = new Map<string, string | null>();
  for (const [at, id] of ids.entries()) parents.set(id, at === 0 ? null : pick(ids.slice(0, at)));
  const fanout = open({ directory: treeOf([...parents]), highWater: 20_000 });
  const sessions = Array.from({ length: 1_000 }, () => {
    const grant: Grant = {
      account: pick(ids),
      accounts: random() < 0.3 ? [pick(ids), pick(ids), pick(ids)] : null,
      events: random() < 0.5 ? [pick(names), pick(names)] : null,
    };
    return { grant, expected: [] as string[], ...join(fanout, grant) };
  });
  let sequence = 0;
  for (let move = 0; move < 10; move += 1) {
    const directory = treeOf([...parents]);
    fanout.useDirectory(directory);
    for (let batch = 0; batch < 10; batch += 1) {
      const entries = Array.from({ length: 10 }, () => {
        sequence += 1;
        return entryOf({ sequence, account: pick(ids), name: pick(names), partition: sequence % 2 });
      });
      for (const session of sessions) session.expected.push(...oracle(directory, session.grant, entries));
      fanout.deliver(entries);
      const session = pick(sessions);
      session.sink.stall();
      setImmediate(() => session.sink.flow());
    }
    await until('nobody behind', () => fanout.behind, { holds: (seen) => seen === 0 });
    const moved = pick(ids.slice(1));
    const target = pick(ids);
    const below = directory.accounts.get(target);
    if (below !== undefined && !isWithin(below, moved)) parents.set(moved, target);
  }
  const pairs = sessions.length * sequence;
  assert.ok(pairs >= 1_000_000);
  for (const session of sessions) assert.deepEqual(session.sink.messages(), session.expected);
});

/** The expected events of a connection, computed in the slow and obvious way. */
function oracle(directory: Directory, grant: Grant, entries: readonly ReturnType<typeof entryOf>[]): string[] {
  return entries
    .filter((entry) => {
      const [, name = '', id = ''] = entry.meta.split('\t');
      const account = directory.accounts.get(id);
      if (account === undefined || !isWithin(account, grant.account)) return false;
      if (grant.accounts !== null && !grant.accounts.includes(id)) return false;
      return grant.events === null || grant.events.includes(name);
    })
    .map((entry) => entry.data.toString());
}
