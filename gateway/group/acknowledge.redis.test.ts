import assert from 'node:assert/strict';
import { it } from 'node:test';
import { groupKeys } from '../../protocol/keys.ts';
import { declared, events, NAME, ACCOUNT, pendingInRedis, RESOURCE, onOneRedis } from '../testing/group-replica.ts';
import { until } from '../../testing/until.ts';
import { listDeadLetters } from './dead-letters.ts';

const replica = onOneRedis();
const calls = (count: number) => Array.from({ length: count }, (_, at) => `call-${at}`);
const deadOf = (place: Awaited<ReturnType<typeof replica>>['place']) =>
  listDeadLetters({ ...place, resource: RESOURCE, group: 'default', declaredFor: ACCOUNT });

it('an acknowledgement by ids is in Redis once it is answered; unknown ids are named, the others count', async () => {
  await using gateway = await replica();
  const consumer = await gateway.connect({ acks: false });
  await gateway.publish(events(calls(3), 1));
  await until('3 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 3 });
  assert.deepEqual(await consumer.membership.ack(['call-0/0']), { ok: true });
  assert.equal(await pendingInRedis(gateway.place), 2);
  const outcome = await consumer.membership.ack(['call-0/0', 'call-1/0', 'never']);
  assert.ok(!outcome.ok);
  assert.equal(outcome.code, 'unknown_id');
  assert.match(outcome.detail, /call-0\/0, never$/);
  await until('1 pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 1 });
  assert.deepEqual(await consumer.membership.ack(['call-2/0']), { ok: true });
  for (let partition = 0; partition < 4; partition += 1) {
    const { attempts } = groupKeys(gateway.place.keyPrefix, partition, NAME);
    assert.equal(await gateway.client.exists(attempts), 0);
  }
});

it('an acknowledgement by cursor is for everything written before, in every partition, and nothing after', async () => {
  await using gateway = await replica();
  const consumer = await gateway.connect({ acks: false });
  await gateway.publish(events(calls(12), 1));
  await until('12 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 12 });
  assert.deepEqual(await consumer.membership.ack(consumer.received[7]?.cursor ?? ''), { ok: true });
  assert.equal(await pendingInRedis(gateway.place), 4);
  const left = await consumer.membership.ack(consumer.ids);
  assert.ok(!left.ok && left.detail.includes(consumer.ids[0] ?? '-'));
  await until('nothing pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 0 });
});

it('what is said again is known to have come to nothing', async () => {
  await using gateway = await replica();
  const consumer = await gateway.connect({ acks: false });
  await gateway.publish(events(calls(1), 1));
  await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
  const { cursor, id } = consumer.received[0] ?? { cursor: '', id: '' };
  assert.deepEqual(consumer.membership.progress(id), { ok: true, isIdle: true });
  assert.deepEqual(await consumer.membership.ack(cursor), { ok: true });
  assert.deepEqual(await consumer.membership.ack(cursor), { ok: true, isIdle: true });
});

it('a cursor that was given out before an event came again does not acknowledge it', async () => {
  await using gateway = await replica();
  const consumer = await gateway.connect({ acks: false });
  await gateway.publish(events(calls(2), 1));
  await until('2 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 2 });
  const { cursor } = consumer.received[1] ?? { cursor: '' };
  await consumer.membership.nack(consumer.ids[0] ?? '', 0);
  await until('3 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 3 });
  await consumer.membership.ack(cursor);
  assert.equal(await pendingInRedis(gateway.place), 1);
  assert.deepEqual(await consumer.membership.ack(consumer.received[2]?.cursor ?? ''), { ok: true });
  assert.equal(await pendingInRedis(gateway.place), 0);
});

it('the cursor of another connection acknowledges nothing', async () => {
  await using gateway = await replica();
  const [consumer, other] = [await gateway.connect({ acks: false }), await gateway.connect({ acks: false })];
  await gateway.publish(events(calls(10), 1));
  await until('10 events received by both together', () => consumer.ids.length + other.ids.length, {
    holds: (seen) => seen === 10,
  });
  const outcome = await other.membership.ack(consumer.received.at(-1)?.cursor ?? '');
  assert.ok(!outcome.ok && outcome.code === 'unknown_cursor');
  assert.equal(await pendingInRedis(gateway.place), 10);
});

it('a refused event comes again after its delay with the next attempt, and its call waits for it (I2, I3)', async () => {
  await using gateway = await replica();
  const consumer = await gateway.connect({ acks: false });
  await gateway.publish(events(['call'], 2));
  await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
  const refusedAt = performance.now();
  assert.deepEqual(await consumer.membership.nack('call/0', 300), { ok: true });
  assert.equal(consumer.membership.progress('call/0').ok, false);
  await until('2 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 2 });
  assert.ok(performance.now() - refusedAt >= 290);
  assert.deepEqual(
    consumer.received.map(({ id, attempt }) => [id, attempt]),
    [
      ['call/0', 1],
      ['call/0', 2],
    ],
  );
  await consumer.membership.ack(['call/0']);
  await until('3 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 3 });
  assert.equal(consumer.received[2]?.attempt, 1);
});

it('an event that is not acknowledged in time comes again, unless the consumer says that it is at work', async () => {
  await using gateway = await replica({ groups: declared({ name: 'default', ackWait: '1s' }) });
  const consumer = await gateway.connect({ acks: false });
  await gateway.publish(events(['idle', 'busy'], 1));
  await until('2 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 2 });
  await until('3 events received while progress is reported', async () => {
    assert.ok(consumer.membership.progress('busy/0').ok);
    // A process that stands still for longer than the time makes the other one late too, after the first.
    return consumer.ids.length >= 3;
  });
  assert.deepEqual([consumer.received[2]?.id, consumer.received[2]?.attempt], ['idle/0', 2]);
});

it('what was delivered often enough becomes a dead letter, and the call goes on', async () => {
  await using gateway = await replica({ groups: declared({ name: 'default', maxDeliver: 3 }) });
  const consumer = await gateway.connect({ acks: false });
  await gateway.publish(events(['call'], 2));
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await until('the expected events received by consumer', () => consumer.ids.length, {
      holds: (seen) => seen === attempt,
    });
    assert.equal(consumer.received.at(-1)?.attempt, attempt);
    assert.deepEqual(await consumer.membership.nack('call/0', 0), { ok: true });
  }
  const [letter, ...others] = await deadOf(gateway.place);
  assert.equal(others.length, 0);
  assert.deepEqual(
    [letter?.eventId, letter?.reason, letter?.attempts, letter?.error],
    ['call/0', 'max_deliver', 3, 'refused by the consumer'],
  );
  await until('4 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 4 });
  assert.equal(consumer.ids[3], 'call/1');
});

it('a terminated event is a dead letter with its reason once that is answered', async () => {
  await using gateway = await replica();
  const consumer = await gateway.connect({ acks: false });
  await gateway.publish(events(['call'], 1));
  await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
  assert.deepEqual(await consumer.membership.term('call/0', 'no such customer'), { ok: true });
  const [letter] = await deadOf(gateway.place);
  assert.deepEqual([letter?.reason, letter?.error, letter?.attempts], ['terminated', 'no such customer', 1]);
  assert.equal(await pendingInRedis(gateway.place), 0);
  assert.equal((await consumer.membership.term('call/0')).ok, false);
});

it('what a connection leaves goes to the others in order, with the next attempt (I2, I3)', async () => {
  await using gateway = await replica();
  const leaving = await gateway.connect({ acks: false });
  await gateway.publish(events(calls(5), 3));
  await until('5 events received by leaving', () => leaving.ids.length, { holds: (seen) => seen === 5 });
  const staying = await gateway.connect();
  leaving.membership.leave();
  leaving.membership.leave();
  await until('15 events received by staying', () => staying.ids.length, { holds: (seen) => seen === 15 });
  for (const call of calls(5)) {
    const seen = staying.received.filter((event) => event.call === call).map(({ n, attempt }) => [n, attempt]);
    assert.deepEqual(seen, [
      [0, 2],
      [1, 1],
      [2, 1],
    ]);
  }
  assert.equal((await leaving.membership.ack(leaving.ids)).ok, false);
});
