import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { streamKeys } from '../../protocol/keys.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { ACCOUNT, declared, events, RESOURCE, startReplica } from '../testing/group-replica.ts';
import { until } from '../../testing/until.ts';
import { listDeadLetters, redriveDeadLetter, showDeadLetter } from './dead-letters.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

const calls = (count: number) => Array.from({ length: count }, (_, at) => `call-${at}`);

/** A replica whose group has given up these events. */
async function withDead(count: number, maxLength = 10_000) {
  const groups = declared({ name: 'default', deadLetter: { maxLength } });
  const gateway = await startReplica({ url: redis.url, keyPrefix: `${randomUUID()}:`, groups });
  const consumer = await gateway.connect({ acks: false });
  await gateway.publish(events(calls(count), 1));
  await until('the expected events received by consumer', () => consumer.ids.length, {
    holds: (seen) => seen === count,
  });
  for (const id of consumer.ids) await consumer.membership.term(id, `no ${id}`);
  return { gateway, consumer, dead: { ...gateway.place, resource: RESOURCE, group: 'default', declaredFor: ACCOUNT } };
}

it('dead letters are listed, page by page, and shown with their event', async () => {
  const { gateway, dead } = await withDead(20);
  await using _ = gateway;
  const all = await listDeadLetters(dead);
  assert.deepEqual(
    all.map(({ eventId }) => eventId).sort(),
    calls(20)
      .map((call) => `${call}/0`)
      .sort(),
  );
  // Pages of three, across the borders of partitions, give the same list.
  const paged: string[] = [];
  for (let page = await listDeadLetters(dead, { count: 3 }); page.length > 0;) {
    assert.ok(page.length <= 3);
    paged.push(...page.map(({ id }) => id));
    page = await listDeadLetters(dead, { count: 3, after: paged.at(-1) ?? '' });
  }
  assert.deepEqual(
    paged,
    all.map(({ id }) => id),
  );
  assert.deepEqual(await listDeadLetters(dead, { account: 'acme' }), all);
  assert.deepEqual(await listDeadLetters(dead, { account: 'shop' }), []);
  const [first] = all;
  assert.ok(first);
  const shown = await showDeadLetter(dead, first.id);
  assert.deepEqual(JSON.parse(String(shown?.data)), { call: first.callId, n: 0 });
  assert.deepEqual(
    [shown?.name, shown?.account, shown?.reason, shown?.error],
    ['DTMF', 'acme', 'terminated', `no ${first.eventId}`],
  );
});

it('a redriven one is delivered again under the same event id, and only once', async () => {
  const { gateway, consumer, dead } = await withDead(1);
  await using _ = gateway;
  const [letter] = await listDeadLetters(dead);
  const redriven = await redriveDeadLetter(dead, letter?.id ?? '');
  assert.match(redriven?.entry ?? '', /^\d+-\d+$/);
  assert.equal(await redriveDeadLetter(dead, letter?.id ?? ''), null);
  await until('2 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 2 });
  assert.deepEqual([consumer.received[1]?.id, consumer.received[1]?.attempt], ['call-0/0', 1]);
  assert.deepEqual(await listDeadLetters(dead), []);
});

it('one that was put into the log by hand keeps the id and the time that its place there gave it', async () => {
  const { gateway, consumer, dead } = await withDead(0);
  await using _ = gateway;
  const { events: log } = streamKeys(gateway.place.keyPrefix, 2);
  await gateway.client.xadd(log, '*', 'm', '1\tDTMF\tacme', 'd', '{"call":"by-hand","n":0}');
  await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
  const [first] = consumer.received;
  await consumer.membership.term(first?.id ?? '');
  const [letter] = await listDeadLetters(dead);
  await redriveDeadLetter(dead, letter?.id ?? '');
  await until('2 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 2 });
  const times = consumer.sink.messages().map((text) => /"ingested_at":"([^"]+)"/.exec(text)?.[1]);
  assert.deepEqual([consumer.received[1]?.id, times[1]], [first?.id, times[0]]);
});

it('what is no dead letter is not found', async () => {
  const { gateway, dead } = await withDead(0);
  await using _ = gateway;
  for (const id of ['', 'x', '0:1-1', '9:1-1', '0:1', '../0:1-1']) {
    assert.equal(await showDeadLetter(dead, id), null);
    assert.equal(await redriveDeadLetter(dead, id), null);
    assert.deepEqual(await listDeadLetters(dead, { after: id }), []);
  }
});

it('no more are kept than declared, the oldest go first (I10)', async () => {
  const { gateway, dead, consumer } = await withDead(40, 2);
  await using _ = gateway;
  const kept = await listDeadLetters(dead);
  assert.equal(kept.length, 8);
  for (let partition = 0; partition < 4; partition += 1) {
    const of = consumer.received.filter(({ call }) => partitionOf({ callId: call, account: '' }, 4) === partition);
    const ids = kept.filter(({ id }) => id.startsWith(`acme:${partition}:`)).map(({ eventId }) => eventId);
    assert.deepEqual(
      ids,
      of.slice(-2).map(({ id }) => id),
    );
  }
});
