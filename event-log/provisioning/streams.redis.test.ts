import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { formerGroupName, groupKeys, groupName, streamKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { remedyFor } from '../../runtime/redis/remedy.ts';
import { startOf } from './create-group.ts';
import { ENSURE_LUA } from './ensure-stream.ts';
import { provisionStreams, type StreamNeeds } from './provision.ts';
import { destroyGroup, leaveStreams } from './release.ts';
import { lagOf, reportStreams } from './report.ts';

let redis: RedisServer;
let client: RedisClient;
before(async () => {
  redis = await startRedis();
  client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  await becomesReady(client, 5_000);
});
after(async () => {
  client.disconnect();
  await redis.stop();
});

const NAME = groupName('voice/acme', 'default', 'acme');
const FORMER = formerGroupName('voice/acme', 'default');

function needs(more: Partial<StreamNeeds> = {}): StreamNeeds {
  return {
    keyPrefix: `${randomUUID()}:`,
    partitions: 2,
    resource: 'voice/acme',
    retention: { maxLength: 100, maxAgeMs: 60_000 },
    groups: [{ name: NAME, start: startOf({ startPosition: 'New' }), former: FORMER }],
    ...more,
  };
}
const add = (wanted: StreamNeeds, partition: number) =>
  client.xadd(streamKeys(wanted.keyPrefix, partition).events, '*', 'm', '1', 'd', '{}');

test('streams, epoch, retention and groups are made on every partition, and a second time changes nothing', async () => {
  const wanted = needs();
  await provisionStreams(client, wanted);
  const metas = () => Promise.all([0, 1].map((p) => client.hgetall(streamKeys(wanted.keyPrefix, p).meta)));
  const first = await metas();
  for (const meta of first) {
    assert.equal(meta['partitions'], '2');
    assert.equal(meta['retention:voice/acme'], '{"maxLength":100,"maxAgeMs":60000}');
    assert.ok((meta['epoch'] ?? '').length >= 12);
  }
  await add(wanted, 0);
  await provisionStreams(client, wanted);
  assert.deepEqual(await metas(), first);
  const [report] = await reportStreams(client, wanted, [NAME]);
  assert.equal(report?.groups[NAME]?.lag, 1);
});

test('another number of partitions is refused by name, and nothing is made', async () => {
  const wanted = needs();
  await provisionStreams(client, wanted);
  await assert.rejects(provisionStreams(client, { ...wanted, partitions: 3 }), (error) => {
    assert.equal(redisErrorCode(error), 'PARTITIONS_MISMATCH');
    return true;
  });
});

test('a group begins where it was declared to', async () => {
  const wanted = needs({ groups: [] });
  await provisionStreams(client, wanted);
  const { events } = streamKeys(wanted.keyPrefix, 0);
  for (const id of ['1000-0', '2000-0', '3000-0', '4000-0']) await client.xadd(events, id, 'm', '1', 'd', '{}');
  const groups = [
    { name: 'a/b/new/x', start: startOf({ startPosition: 'New' }), former: 'a/b/new' },
    { name: 'a/b/earliest/x', start: startOf({ startPosition: 'Earliest' }), former: 'a/b/earliest' },
    { name: 'a/b/after/x', start: startOf({ startPosition: 'ID', startID: '2000-0' }), former: 'a/b/after' },
  ];
  await provisionStreams(client, { ...wanted, groups });
  const [report] = await reportStreams(
    client,
    wanted,
    groups.map(({ name }) => name),
  );
  const lags = groups.map(({ name }) => report && report.groups[name] && lagOf(report, report.groups[name]));
  assert.deepEqual(lags.slice(0, 2), [
    { lag: 0, isExact: true },
    { lag: 4, isExact: true },
  ]);
  // Redis does not know it after an explicitly set id: the report says so, and is never 0.
  assert.deepEqual(lags[2], { lag: 3, isExact: false });
});

test('what is pending and dead is reported', async () => {
  const wanted = needs();
  const [group] = wanted.groups;
  assert.ok(group);
  await provisionStreams(client, wanted);
  const id = await add(wanted, 1);
  const { events } = streamKeys(wanted.keyPrefix, 1);
  await client.xreadgroup('GROUP', group.name, 'owner', 'STREAMS', events, '>');
  await client.xadd(groupKeys(wanted.keyPrefix, 1, group.name).dead, '*', 'reason', 'test');
  const reports = await reportStreams(client, wanted, [group.name]);
  const found = reports[1]?.groups[group.name];
  assert.deepEqual([found?.pending, found?.oldestPending, found?.dead, found?.consumers], [1, id, 1, 1]);
  assert.ok((reports[1]?.bytes ?? 0) > 0);
});

test('a stream is deleted by the resource that leaves it last, and never while a group reads it', async () => {
  const one = needs();
  const other = { ...one, resource: 'voice/other', groups: [] };
  await provisionStreams(client, one);
  await provisionStreams(client, other);
  assert.equal(await leaveStreams(client, other, true), 0);
  assert.equal(await leaveStreams(client, one, true), 0);
  await destroyGroup(client, one, NAME);
  assert.equal(await leaveStreams(client, one, false), 0);
  assert.equal(await leaveStreams(client, one, true), 2);
  assert.deepEqual(await client.keys(`${one.keyPrefix}*`), []);
  const [gone] = await reportStreams(client, one, [NAME]);
  assert.deepEqual([gone?.length, gone?.names], [0, []]);
});

test('a server older than Redis 7.0 is refused by name, for reading and for ingest alike', async () => {
  // A stub for the missing feature of such a server, before the same script.
  const old = 'local redis = { error_reply = redis.error_reply, call = redis.call }';
  const { events, meta } = streamKeys(`${randomUUID()}:`, 0);
  const run = client.eval(`${old}\n${ENSURE_LUA}`, 2, events, meta, 'epoch', '1', '1');
  await assert.rejects(
    run,
    (error) => redisErrorCode(error) === 'TOO_OLD' && remedyFor('TOO_OLD').remedy !== undefined,
  );
  assert.equal(await client.exists(events, meta), 0);
});
