import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { groupKeys, streamKeys } from '../../protocol/keys.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import {
  ACCOUNT,
  NAME,
  declared,
  events,
  faultsOf,
  pendingInRedis,
  RESOURCE,
  startReplica,
  type Received,
  type ReplicaOptions,
} from '../testing/group-replica.ts';
import { until } from '../../testing/until.ts';
import { createGroup } from './create-groups.ts';
import { listDeadLetters } from './dead-letters.ts';
import { groupPlace } from './place.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

const replica = (options: Partial<ReplicaOptions> = {}) =>
  startReplica({ url: redis.url, keyPrefix: `${randomUUID()}:`, ...options });
const calls = (count: number) => Array.from({ length: count }, (_, at) => `call-${at}`);

describe('a group when Redis fails', () => {
  it('killed and started again: connections stay, nothing is lost or inverted (I1, I2, I12)', async () => {
    await using own = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    await using gateway = await replica({ url: own.url });
    const received: Received[] = [];
    const consumers = [await gateway.connect({ received }), await gateway.connect({ received })];
    const sent = events(calls(10), 30);
    for (let at = 0; at < 150; at += 10) await gateway.publish(sent.slice(at, at + 10));
    await own.kill();
    await own.restart();
    await until('Redis answering', () => gateway.client.ping().catch(() => ''), { holds: (seen) => seen === 'PONG' });
    for (let at = 150; at < sent.length; at += 10) await gateway.publish(sent.slice(at, at + 10));
    await until('no event missing', () => !faultsOf(received, sent).some((fault) => fault.endsWith('missing')));
    await until('nothing pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 0 });
    assert.deepEqual(faultsOf(received, sent), []);
    assert.deepEqual(
      consumers.map(({ lost }) => lost),
      [null, null],
    );
  });

  it('paused: what is acknowledged meanwhile is answered within the lease and its time-out (I11)', async () => {
    await using own = await startRedis();
    await using gateway = await replica({ url: own.url });
    const consumer = await gateway.connect({ acks: false });
    await gateway.publish(events(calls(5), 1));
    await until('5 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 5 });
    process.kill(own.pid, 'SIGSTOP');
    const outcome = await consumer.membership.ack(consumer.ids);
    assert.ok(!outcome.ok && outcome.code === 'moved');
    process.kill(own.pid, 'SIGCONT');
    consumer.acks = true;
    await until('nothing pending in Redis', () => pendingInRedis(gateway.place).catch(() => -1), {
      holds: (seen) => seen === 0,
    });
  });

  it('a reply that was lost: what was read unseen is found in the pending list', async () => {
    await using gateway = await replica({ partitions: 1, timings: { leaseMs: 60_000 } });
    const consumer = await gateway.connect();
    await until('consumer served', () => consumer.standbys.at(-1), { holds: (seen) => seen === false });
    const { events: stream } = streamKeys(gateway.place.keyPrefix, 0);
    // Another client reads as the owner, like a turn whose reply never arrives.
    await gateway.client
      .multi()
      .xadd(stream, '*', 'm', '1\tDTMF\tacme\tcall\tcall/0', 'd', '{"call":"call","n":0}')
      .call('xreadgroup', 'GROUP', NAME, 'owner', 'STREAMS', stream, '>')
      .exec();
    process.kill(redis.pid, 'SIGSTOP');
    await until('the client without a connection', () => gateway.client.status, { holds: (seen) => seen !== 'ready' });
    process.kill(redis.pid, 'SIGCONT');
    await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
    await until('nothing pending in Redis', () => pendingInRedis(gateway.place).catch(() => -1), {
      holds: (seen) => seen === 0,
    });
  });

  it('out of memory: what is under way is acknowledged, and kept as a dead letter', async () => {
    await using own = await startRedis();
    await using gateway = await replica({ url: own.url });
    const consumer = await gateway.connect({ acks: false });
    await gateway.publish(events(calls(2), 1));
    await until('2 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 2 });
    await gateway.client.config('SET', 'maxmemory', '1');
    assert.deepEqual(await consumer.membership.ack(['call-0/0']), { ok: true });
    assert.deepEqual(await consumer.membership.term('call-1/0', 'why'), { ok: true });
    assert.equal(await pendingInRedis(gateway.place), 0);
  });

  it('a dead letter that Redis refuses is not lost: it is kept as soon as it can be', async () => {
    await using gateway = await replica({ partitions: 1 });
    const consumer = await gateway.connect({ acks: false });
    const { dead } = groupKeys(gateway.place.keyPrefix, 0, NAME);
    await gateway.client.set(dead, 'not a stream');
    await gateway.publish(events(['call'], 2));
    await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
    const outcome = await consumer.membership.term('call/0', 'why');
    assert.ok(!outcome.ok && outcome.code === 'moved');
    assert.ok((await pendingInRedis(gateway.place)) > 0);
    await gateway.client.del(dead);
    await until('2 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 2 });
    const letters = await listDeadLetters({
      ...gateway.place,
      resource: RESOURCE,
      group: 'default',
      declaredFor: ACCOUNT,
    });
    assert.deepEqual(
      letters.map(({ eventId, error }) => [eventId, error]),
      [['call/0', 'why']],
    );
  });
});

describe('a group whose log is not what it was', () => {
  it('flushed and refilled: connections are told, and the next ones get what came since (I4)', async () => {
    await using own = await startRedis();
    await using gateway = await replica({ url: own.url });
    const consumer = await gateway.connect();
    await gateway.publish(events(calls(3), 1));
    await until('3 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 3 });
    await gateway.client.flushall();
    await gateway.publish(events(['new'], 2));
    await until('consumer told of a loss', () => consumer.lost);
    assert.equal(consumer.lost, 'epoch_lost');
    const next = await gateway.connect();
    await until('2 events received by next', () => next.ids.length, { holds: (seen) => seen === 2 });
    assert.deepEqual(next.ids, ['new/0', 'new/1']);
  });

  it('flushed while nobody was connected: the next connection is told, once (I4)', async () => {
    await using own = await startRedis();
    await using gateway = await replica({ url: own.url });
    await gateway.publish(events(calls(3), 1));
    await gateway.client.flushall();
    const { meta } = streamKeys(gateway.place.keyPrefix, 0);
    await until('the meta key in Redis', () => gateway.client.exists(meta), { holds: (seen) => seen === 1 });
    const first = await gateway.connect();
    await until('first told of a loss', () => first.lost);
    assert.deepEqual([first.lost, first.ids], ['epoch_lost', []]);
    await gateway.publish(events(['new'], 2));
    const second = await gateway.connect();
    await until('2 events received by second', () => second.ids.length, { holds: (seen) => seen === 2 });
    assert.deepEqual([second.lost, second.ids], [null, ['new/0', 'new/1']]);
  });

  it('the group deleted: connections are told, and it is made again (I4)', async () => {
    await using gateway = await replica({ partitions: 1 });
    const consumer = await gateway.connect();
    await until('consumer served', () => consumer.standbys.at(-1), { holds: (seen) => seen === false });
    await gateway.client.xgroup('DESTROY', streamKeys(gateway.place.keyPrefix, 0).events, NAME);
    await until('consumer told of a loss', () => consumer.lost);
    assert.equal(consumer.lost, 'group_lost');
    const next = await gateway.connect();
    await until('next served', () => next.standbys.at(-1), { holds: (seen) => seen === false });
    await gateway.publish(events(['call'], 1));
    await until('1 event received by next', () => next.ids.length, { holds: (seen) => seen === 1 });
  });

  it('the group deleted and made again by another client: told on every replica, also where reading never failed (I4)', async () => {
    const keyPrefix = `${randomUUID()}:`;
    await using one = await replica({ partitions: 1, keyPrefix });
    await using other = await replica({ partitions: 1, keyPrefix });
    const consumers = [await one.connect(), await other.connect()];
    await until('one of them served', () => consumers.some(({ standbys }) => standbys.at(-1) === false));
    const place = groupPlace(one.place, 0, { resource: RESOURCE, group: 'default', account: ACCOUNT });
    await one.client.xgroup('DESTROY', place.events, NAME);
    await createGroup(place, { partitions: 1, start: '$' });
    await until('all told that the group is lost', () => consumers.every(({ lost }) => lost === 'group_lost'));
    const next = await one.connect();
    await until('next served', () => next.standbys.at(-1), { holds: (seen) => seen === false });
    await one.publish(events(['call'], 1));
    await until('1 event received by next', () => next.ids.length, { holds: (seen) => seen === 1 });
    assert.equal(next.lost, null);
  });

  it('trimmed while pending: told with its ids, and settled (I4)', async () => {
    const keyPrefix = `${randomUUID()}:`;
    await using gateway = await replica({ partitions: 1, keyPrefix });
    const first = await gateway.connect({ acks: false });
    const ids = await gateway.publish(events(calls(3), 1));
    await until('3 events received by first', () => first.ids.length, { holds: (seen) => seen === 3 });
    first.membership.leave();
    await until('no group in use', () => gateway.groups.status().length, { holds: (seen) => seen === 0 });
    await gateway.client.xtrim(streamKeys(keyPrefix, 0).events, 'MAXLEN', '=', 1);
    const second = await gateway.connect();
    await until('a gap told and 1 event received', () => second.gaps.length > 0 && second.ids.length === 1);
    assert.deepEqual(second.gaps, [{ reason: 'trimmed', ids: ids.slice(0, 2), missed: 2 }]);
    await until('nothing pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 0 });
    assert.equal(await gateway.client.exists(groupKeys(keyPrefix, 0, NAME).attempts), 0);
  });

  it('trimmed before anybody read it: told once, with how many (I4)', async () => {
    const keyPrefix = `${randomUUID()}:`;
    await using gateway = await replica({ partitions: 1, keyPrefix });
    const { events: stream } = streamKeys(keyPrefix, 0);
    const first = await gateway.connect();
    await gateway.publish(events(calls(5), 1));
    await until(
      '5 events received, nothing pending in Redis',
      async () => first.ids.length === 5 && (await pendingInRedis(gateway.place)) === 0,
    );
    first.membership.leave();
    await until('no group in use', () => gateway.groups.status().length, { holds: (seen) => seen === 0 });
    // Everything that was read, and 3 of the unread entries.
    await gateway.publish(events(calls(10), 1, 1));
    await gateway.client.xtrim(stream, 'MAXLEN', '=', 7);
    const second = await gateway.connect();
    await until('7 events received by second', () => second.ids.length, { holds: (seen) => seen === 7 });
    await gateway.publish(events(calls(1), 1, 2));
    await until('8 events received by second', () => second.ids.length, { holds: (seen) => seen === 8 });
    assert.deepEqual(second.gaps, [{ reason: 'trimmed', ids: [], missed: 3 }]);
    // Entries that are trimmed after they were read are not a gap.
    await until('nothing pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 0 });
    await gateway.client.xtrim(stream, 'MAXLEN', '=', 0);
    await gateway.publish(events(calls(1), 1, 3));
    await until('9 events received by second', () => second.ids.length, { holds: (seen) => seen === 9 });
    assert.equal(second.gaps.length, 1);
  });

  it('poison is told, settled, and holds nothing up', async () => {
    await using gateway = await replica({ partitions: 1 });
    const consumer = await gateway.connect();
    const stream = streamKeys(gateway.place.keyPrefix, 0).events;
    const id = await gateway.client.xadd(stream, '*', 'm', 'x', 'd', '{}');
    await gateway.publish(events(['call'], 1));
    await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
    assert.deepEqual(consumer.gaps, [{ reason: 'poison', ids: [`0:${id}`], missed: 1 }]);
    await until('nothing pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 0 });
  });

  it('a group begins where its declaration says', async () => {
    const keyPrefix = `${randomUUID()}:`;
    await using before = await replica({ partitions: 1, keyPrefix });
    const ids = await before.publish(events(['call'], 3));
    const startID = (ids[0] ?? '').slice(2);
    const groups = declared(
      { name: 'new' },
      { name: 'all', startPosition: 'Earliest' },
      { name: 'after', startPosition: 'ID', startID },
    );
    await using gateway = await replica({ partitions: 1, keyPrefix, groups });
    const [fresh, all, some] = await Promise.all(['new', 'all', 'after'].map((group) => gateway.connect({ group })));
    await until('3 and 2 events received', () => all?.ids.length === 3 && some?.ids.length === 2);
    await gateway.publish(events(['last'], 1));
    await until('the last event received by all', () => [fresh, all, some].map((consumer) => consumer?.ids.at(-1)), {
      holds: (seen) => seen.every((id) => id === 'last/0'),
    });
    assert.deepEqual([fresh?.ids, some?.ids], [['last/0'], ['call/1', 'call/2', 'last/0']]);
    for (const consumer of [fresh, all, some]) assert.deepEqual(consumer?.gaps, []);
  });
});

describe('a group at its end', () => {
  it('leaves nothing behind: no loop, no timer, no lease, no member (I10, I11)', async () => {
    const keyPrefix = `${randomUUID()}:`;
    const gateway = await replica({ keyPrefix });
    const consumers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        gateway.connect({ acks: at % 2 === 0, acknowledges: at % 4 < 2 ? 'frames' : 'pongs' }),
      ),
    );
    await gateway.publish(events(calls(100), 2));
    await until('an event received by one of them', () => consumers.some(({ ids }) => ids.length > 0));
    for (const { membership } of consumers) membership.leave();
    await until('no group in use', () => gateway.groups.status().length, { holds: (seen) => seen === 0 });
    const last = await gateway.connect();
    await until('more than 0 events received by last', () => last.ids.length, { holds: (seen) => seen > 0 });
    await gateway.groups[Symbol.asyncDispose]();
    await gateway.presence[Symbol.asyncDispose]();
    const keys = await gateway.client.keys(`${keyPrefix}*`);
    assert.deepEqual(
      keys.filter((key) => key.endsWith(':owner') || key.includes('replica') || key.endsWith(':members')),
      [],
    );
    gateway.client.disconnect();
  });
});
