import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { encodeMeta } from '../../protocol/entry.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { encodeSourceGap, SOURCE_GAP, sourceGapId, type SourceGap } from '../../protocol/source-gap.ts';
import { until } from '../../testing/until.ts';
import { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import { ownerOf } from '../replica/rendezvous.ts';
import {
  ACCOUNT,
  declared,
  NAME,
  onOneRedis,
  pendingInRedis,
  RESOURCE,
  type Consumer,
  type ConsumerOptions,
  type Replica,
} from '../testing/group-replica.ts';
import { listDeadLetters } from './dead-letters.ts';

const start = onOneRedis();

const GAP: SourceGap = {
  source: 'telephony/pbx',
  endpoint: 'pbx1',
  reason: 'connection_lost',
  from: 1_763_979_370_000,
  to: 1_763_979_430_000,
  legs_ended: 2,
  legs_begun: 0,
};
const META = { name: SOURCE_GAP, account: '', callId: GAP.source, ingestedAt: '', traceparent: '' };

async function publishGap({ client, place }: Replica, data = encodeSourceGap(GAP)): Promise<string> {
  const { events } = streamKeys(place.keyPrefix, 0);
  return (await client.xadd(events, '*', 'm', encodeMeta({ ...META, eventId: sourceGapId(GAP) }), 'd', data)) ?? '';
}

/** Puts events of these calls, and gaps, into the log. */
async function publish(replica: Replica, what: readonly string[]): Promise<void> {
  for (const [n, call] of what.entries()) {
    if (call === 'gap') await publishGap(replica);
    else await replica.publish([{ call, n }]);
  }
}

/** A connection of the group that knows whether it is on standby. */
async function connect(replica: Replica, options: ConsumerOptions = {}) {
  const consumer = await replica.connect(options);
  await until('whether it is on standby', () => consumer.standbys.length, { holds: (count) => count > 0 });
  return consumer;
}

const untilGaps = (consumer: Consumer, count: number) =>
  until(`${count} gaps`, () => consumer.gapsAt.length, { holds: (found) => found === count });
const untilNothingPending = ({ place }: Replica) =>
  until('nothing pending', () => pendingInRedis(place), { holds: (pending) => pending === 0 });

test('S4: members are notified at the place of the gap; the group settles it itself, and it is no delivery', async () => {
  await using replica = await start({ partitions: 1 });
  const one = await connect(replica);
  const other = await connect(replica);
  await publish(replica, ['a', 'b', 'gap', 'c', 'gap', 'd']);
  await until('all events', () => one.received.length + other.received.length, { holds: (count) => count === 4 });
  const counters = replica.groups.counters.get('default');
  await until('all acknowledged', () => counters?.acknowledged, { holds: (count) => count === 4 });
  await untilNothingPending(replica);
  const before = one.gapsAt.map((place, at) => place + (other.gapsAt[at] ?? Number.NaN));
  assert.deepEqual(before, [2, 3]);
  assert.deepEqual([one.gaps, other.gaps], [[], []]);
  assert.deepEqual([counters?.delivered, counters?.filtered, counters?.poison, counters?.deadLettered], [4, 0, 0, 0]);
});

test('it waits for no acknowledgement, is waited for by none, and never becomes a dead letter', async () => {
  const groups = declared({ name: 'default', maxDeliver: 1 });
  await using replica = await start({ partitions: 1, groups });
  const consumer = await connect(replica, { acks: false });
  await publish(replica, ['a', 'gap', 'a']);
  await untilGaps(consumer, 1);
  assert.equal(consumer.received.length, 1);
  await until('only the events pending', () => pendingInRedis(replica.place), { holds: (pending) => pending === 2 });
  for (const [at, id] of ['a/0', 'a/2'].entries()) {
    await until(`${id} received`, () => consumer.ids[at] === id);
    assert.deepEqual(await consumer.membership.nack(id, 0), { ok: true });
  }
  const place = { ...replica.place, resource: RESOURCE, group: 'default', declaredFor: ACCOUNT };
  assert.deepEqual(
    (await listDeadLetters(place)).map(({ eventId }) => eventId),
    ['a/0', 'a/2'],
  );
  assert.deepEqual(consumer.gapsAt, [1]);
});

test('a group that nobody reads comes to it later, at its place', async () => {
  const keyPrefix = `${randomUUID()}:`;
  await using replica = await start({ partitions: 1, keyPrefix });
  await publish(replica, ['a', 'gap', 'b', 'gap']);
  const late = await connect(replica);
  await untilGaps(late, 2);
  assert.deepEqual(late.gapsAt, [1, 2]);
  await untilNothingPending(replica);
});

test('read by a replica that died before it notified anybody, it is told by the next one', async () => {
  await using replica = await start({ partitions: 1 });
  await publish(replica, ['a', 'gap', 'b']);
  const { client, place } = replica;
  const { events } = streamKeys(place.keyPrefix, 0);
  await client.xreadgroup('GROUP', NAME, 'owner', 'COUNT', 10, 'STREAMS', events, '>');
  const next = await connect(replica);
  await until('all events', () => next.received.length, { holds: (count) => count === 2 });
  assert.deepEqual(next.gapsAt, [1]);
  await untilNothingPending(replica);
});

test('connections on a replica that does not read the partition are notified too, and those of its reader once', async () => {
  const keyPrefix = `${randomUUID()}:`;
  const names = [`a-${randomUUID()}`, `b-${randomUUID()}`] as const;
  await using first = await start({ partitions: 1, keyPrefix, replica: names[0] });
  await using second = await start({ partitions: 1, keyPrefix, replica: names[1] });
  const [one, other] = [await connect(first), await connect(second)];
  const isFirst = ownerOf(`${NAME}/0`, names) === names[0];
  const [owner, standby] = isFirst ? [one, other] : [other, one];
  await until('one owner', () => [owner.membership.standby, standby.membership.standby], {
    holds: ([owns, stands]) => owns === false && stands === true,
  });
  const id = await publishGap(first);
  // The part of the reader of the log on each replica.
  const entry = { partition: 0, id, meta: '', data: Buffer.alloc(0) };
  for (const { groups } of [first, second]) groups.sourceGap(new SourceGapNotice(entry, GAP, 'pseudonym'));
  await untilGaps(owner, 1);
  await untilNothingPending(first);
  assert.deepEqual([owner.gapsAt, standby.gapsAt], [[0], [0]]);
});

test('S4: a replica that loses the partition before it came to the gap notifies its connections then', async () => {
  const keyPrefix = `${randomUUID()}:`;
  await using replica = await start({ partitions: 1, keyPrefix });
  const consumer = await connect(replica);
  await until('the partition', () => consumer.membership.standby, { holds: (standby) => !standby });
  // Only in the log of another replica's reader: this one never reaches it.
  const entry = { partition: 0, id: `${Date.now()}-0`, meta: '', data: Buffer.alloc(0) };
  replica.groups.sourceGap(new SourceGapNotice(entry, GAP, 'pseudonym'));
  assert.deepEqual(consumer.gapsAt, []);
  await replica.groups.drain(AbortSignal.abort());
  await untilGaps(consumer, 1);
});

test('one that cannot be read is poison: reported by its place, and settled', async () => {
  await using replica = await start({ partitions: 1 });
  const consumer = await connect(replica);
  const id = await publishGap(replica, '{"source":"telephony/pbx"}');
  await until('the poison', () => consumer.gaps, { holds: (gaps) => gaps.length === 1 });
  assert.deepEqual(consumer.gaps, [{ reason: 'poison', ids: [`0:${id}`], missed: 1 }]);
  assert.deepEqual(consumer.gapsAt, []);
  await untilNothingPending(replica);
  assert.equal(replica.groups.counters.get('default')?.poison, 1);
});
