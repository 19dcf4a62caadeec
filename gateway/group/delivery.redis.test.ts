import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { groupKeys } from '../../protocol/keys.ts';
import {
  declared,
  events,
  faultsOf,
  pendingInRedis,
  NAME,
  type Received,
  onOneRedis,
} from '../testing/group-replica.ts';
import { treeOf } from '../testing/tree.ts';
import { until } from '../../testing/until.ts';

const replica = onOneRedis();
const one = (n = 0) => [{ call: 'call', n }];

describe('a group: delivery', () => {
  it('gives each event to one connection, all of a call to the same one and in order (I2)', async () => {
    await using gateway = await replica();
    const received: Received[] = [];
    const consumers = [await gateway.connect({ received }), await gateway.connect({ received })];
    const calls = Array.from({ length: 20 }, (_, at) => `call-${at}`);
    const sent = events(calls, 20);
    await gateway.publish(sent);
    await until(
      'everything received, nothing pending in Redis',
      async () => received.length >= sent.length && (await pendingInRedis(gateway.place)) === 0,
    );
    assert.equal(received.length, sent.length);
    assert.deepEqual(faultsOf(received, sent), []);
    for (const call of calls) assert.equal(new Set(received.filter((e) => e.call === call).map((e) => e.by)).size, 1);
    for (const consumer of consumers) assert.ok(consumer.received.length > 0);
    // On a busy machine they may be told at first that the lease is not there yet.
    assert.deepEqual(
      consumers.map(({ standbys }) => standbys.at(-1)),
      [false, false],
    );
  });

  it('keeps what came while nobody was connected', async () => {
    await using gateway = await replica();
    await gateway.publish(one());
    const consumer = await gateway.connect();
    await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
    assert.equal(consumer.received[0]?.attempt, 1);
  });

  it('is woken by the arrival of an entry, long before it would look by itself', async () => {
    await using gateway = await replica({ timings: { pollMs: 3_600_000, leaseMs: 3_600_000 } });
    const consumer = await gateway.connect();
    await until('all four partitions owned', () => gateway.groups.status()[0]?.partitions.length, {
      holds: (seen) => seen === 4,
    });
    await gateway.publish(one());
    for (let partition = 0; partition < 4; partition += 1) gateway.groups.wake(partition);
    await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
  });

  it('sends a plain client the event as it is, and takes its pong for the acknowledgement', async () => {
    await using gateway = await replica();
    const consumer = await gateway.connect({ format: 'plain', acknowledges: 'pongs', acks: false });
    await gateway.publish(one());
    await until('a ping', () => consumer.pings.length, { holds: (seen) => seen > 0 });
    assert.deepEqual(consumer.sink.messages(), ['{"call":"call","n":0}']);
    consumer.membership.pong(Buffer.from('something else'));
    assert.equal(await pendingInRedis(gateway.place), 1);
    await gateway.publish(one(1));
    consumer.membership.pong(consumer.pings[0] ?? Buffer.alloc(0));
    await until('2 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 2 });
    consumer.membership.pong(consumer.pings[1] ?? Buffer.alloc(0));
    await until('nothing pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 0 });
    assert.equal(consumer.received.length, 2);
  });

  it('acknowledges at once what is for nobody of the group (I5)', async () => {
    await using gateway = await replica();
    const grant = { account: 'acme', accounts: null, events: ['DTMF'] };
    const consumer = await gateway.connect({ grant });
    await gateway.publish([
      { call: 'a', n: 0, account: 'other' },
      { call: 'b', n: 0, account: 'nobody' },
      { call: 'c', n: 0, name: 'CHANNEL_CREATE' },
      { call: 'd', n: 0, account: 'shop' },
    ]);
    await until(
      '1 event received and 3 filtered',
      () => consumer.ids.length === 1 && gateway.groups.counters.get('default')?.filtered === 3,
    );
    await until('nothing pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 0 });
    assert.deepEqual(consumer.ids, ['d/0']);
  });

  it('judges an event again by the tree as it is when it is delivered again (I5)', async () => {
    await using gateway = await replica();
    const consumer = await gateway.connect({ acks: false });
    await gateway.publish([{ call: 'a', n: 0, account: 'shop' }]);
    await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
    gateway.groups.useDirectory(
      treeOf([
        ['acme', null],
        ['shop', null],
      ]),
    );
    await consumer.membership.nack('a/0', 0);
    await until('nothing pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 0 });
    assert.equal(consumer.ids.length, 1);
  });
});

describe('a group: credit', () => {
  it('reads no more than its connections may have pending', async () => {
    await using gateway = await replica({ groups: declared({ name: 'default', maxPending: 5 }) });
    const consumer = await gateway.connect({ acks: false });
    const sent = events(
      Array.from({ length: 40 }, (_, at) => `call-${at}`),
      1,
    );
    await gateway.publish(sent);
    await until('5 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 5 });
    assert.equal(await pendingInRedis(gateway.place), 5);
    consumer.acks = true;
    assert.deepEqual(await consumer.membership.ack(consumer.ids), { ok: true });
    await until('the expected events received by consumer', () => consumer.ids.length, {
      holds: (seen) => seen === sent.length,
    });
  });

  it('writes nothing to a socket that is full, and goes on when it is not', async () => {
    await using gateway = await replica();
    const consumer = await gateway.connect();
    consumer.sink.stall();
    consumer.sink.queued = 2 * 1024 * 1024;
    await gateway.publish(one());
    await until('1 pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 1 });
    assert.equal(consumer.ids.length, 0);
    // It was not written, so it does not count as an attempt.
    const keys = groupKeys(gateway.place.keyPrefix, 0, NAME);
    assert.equal(await gateway.client.exists(keys.attempts), 0);
    consumer.sink.flow();
    await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
    assert.equal(consumer.received[0]?.attempt, 1);
  });

  it('lets a slow connection hold nobody else (I6)', async () => {
    await using gateway = await replica({ groups: declared({ name: 'default', maxPending: 50 }) });
    const slow = await gateway.connect({ acks: false });
    const fast = await gateway.connect();
    const calls = (from: number) => Array.from({ length: 60 }, (_, at) => `call-${from + at}`);
    await gateway.publish(events(calls(0), 1));
    await until('60 events received by both together', () => fast.ids.length + slow.ids.length, {
      holds: (seen) => seen >= 60,
    });
    const before = fast.ids.length;
    // The slow one has at most its limit; new calls go to the other.
    for (let round = 1; round <= 5; round += 1) await gateway.publish(events(calls(round * 60), 1));
    await until('360 events received by both together', () => fast.ids.length + slow.ids.length, {
      holds: (seen) => seen >= 360,
    });
    assert.ok(slow.ids.length <= 50);
    assert.ok(fast.ids.length > before + 200);
  });
});
