import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openRedisLog } from '../../event-log/redis-log.ts';
import { callKeys, streamKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { advance, advanceBy, ENTRIES } from './advance.ts';
import type { TableAt } from './call-table.ts';
import { createRedisTable } from './redis-table.ts';
import { readSnapshot } from './snapshot.ts';

const PLACE = { keyPrefix: 'firehose:', partitions: 1 };
const ACCOUNT = 'acme';
const EVERYTHING = { accounts: null, includes: () => true };

/** A table on a Redis of its own, which the test moves by itself. */
async function openTable() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis());
  const options = { ...PLACE, resource: 'test/rebuild', retention: null, logger: silentLogger };
  const eventLog = stack.use(await openRedisLog({ redis: server.url, ...options }));
  const table = createRedisTable({ client: eventLog.client, ...PLACE });
  let at: TableAt | null = null;
  const step = async () => {
    const done = await advance({ table, eventLog, partition: 0 }, at, null);
    if (done.kind === 'refused') throw new Error('nobody else keeps this table');
    at = done.at;
    return done;
  };
  const events = streamKeys(PLACE.keyPrefix, 0).events;
  const owned = stack.move();
  return {
    events,
    /** The entries after the table, read now and written by the returned function. */
    readAhead: async () => {
      const from = at;
      if (from === null) throw new Error('the table is not kept yet');
      const entries = await eventLog.range(0, from.id, ENTRIES);
      return async () => {
        const done = await advanceBy({ table, eventLog, partition: 0 }, { at: from, state: null }, entries);
        if (done?.kind === 'advanced') at = done.at;
        return done?.kind ?? null;
      };
    },
    client: eventLog.client,
    step,
    /** Moves the table to the end of the log. */
    keep: async () => {
      for (let done = await step(); done.kind !== 'advanced' || done.entries > 0;) done = await step();
    },
    say: async (callId: string, name: string) => {
      const data = Buffer.from(JSON.stringify({ 'Event-Name': name, 'Call-ID': callId }));
      const event = { name, account: ACCOUNT, callId, eventId: `${callId}.${name}`, traceparent: '', data };
      const [outcome] = await eventLog.append([event]);
      assert.equal(outcome?.outcome, 'accepted');
    },
    /** Call-IDs of a snapshot that is taken so much later. */
    calls: async (laterMs = 0) => {
      const now = () => Date.now() + laterMs;
      const { records } = await readSnapshot({ table, eventLog, now }, EVERYTHING, null);
      return Array.from(records, ({ call_id }) => call_id).toSorted((one, other) => (one < other ? -1 : 1));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

test('LC1: where the log was trimmed past the table, it is made anew from the oldest entry, and older calls are learnt when they speak', async () => {
  await using opened = await openTable();
  const { client, events, step, keep, say, calls } = opened;
  await say('old', 'CHANNEL_CREATE');
  await keep();
  assert.deepEqual(await calls(), ['old']);
  await say('lost', 'CHANNEL_CREATE');
  await say('new', 'CHANNEL_CREATE');
  await client.call('xtrim', events, 'MAXLEN', '1');
  assert.equal((await step()).kind, 'begun');
  await assert.rejects(calls(), { code: 'calls_unavailable', why: 'building' });
  await keep();
  assert.deepEqual(await calls(), ['new']);
  await say('old', 'CHANNEL_HOLD');
  await keep();
  assert.deepEqual(await calls(), ['new', 'old']);
});

test('LC1: entries that were read earlier move the table only if the log still has them, and all between', async () => {
  await using opened = await openTable();
  const { client, events, readAhead, keep, say, calls } = opened;
  await say('one', 'CHANNEL_CREATE');
  await keep();
  await say('two', 'CHANNEL_CREATE');
  const whole = await readAhead();
  assert.equal(await whole(), 'advanced');
  assert.deepEqual(await calls(), ['one', 'two']);
  assert.equal(await whole(), null, 'the table has moved since then');
  await say('lost', 'CHANNEL_CREATE');
  const lost = await readAhead();
  // A replica that became the master had not got it yet.
  const [[last] = []] = (await client.call('xrevrange', events, '+', '-', 'COUNT', '1')) as [id: string][];
  await client.call('xdel', events, String(last));
  assert.equal(await lost(), null);
  await say('three', 'CHANNEL_CREATE');
  const trimmed = await readAhead();
  await say('four', 'CHANNEL_CREATE');
  await client.call('xtrim', events, 'MAXLEN', '2');
  assert.equal(await trimmed(), null);
  assert.deepEqual(await calls(), ['one', 'two']);
});

test('a table that is more than 30 s behind gives no snapshot, and one to which nothing came for so long does', async () => {
  await using opened = await openTable();
  const { keep, say, calls } = opened;
  await say('early', 'CHANNEL_CREATE');
  await keep();
  assert.deepEqual(await calls(31_000), ['early']);
  await say('late', 'CHANNEL_CREATE');
  assert.deepEqual(await calls(), ['early']);
  await assert.rejects(calls(31_000), { code: 'calls_unavailable', why: 'behind' });
  await keep();
  assert.deepEqual(await calls(31_000), ['early', 'late']);
});

test('a record that cannot be read is in no snapshot, and is written anew by the next event of its call', async () => {
  await using opened = await openTable();
  const { client, keep, say, calls } = opened;
  await say('one', 'CHANNEL_CREATE');
  await say('other', 'CHANNEL_CREATE');
  await keep();
  await client.hset(callKeys(PLACE.keyPrefix, 0).legs(ACCOUNT), 'one', '{"of":"another version"}');
  assert.deepEqual(await calls(), ['other']);
  await say('one', 'CHANNEL_ANSWER');
  await keep();
  assert.deepEqual(await calls(), ['one', 'other']);
});
