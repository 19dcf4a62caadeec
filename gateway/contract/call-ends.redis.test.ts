import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeMeta } from '../../protocol/entry.ts';
import { callKeys, streamKeys } from '../../protocol/keys.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { startGateway } from '../testing/running-gateway.ts';
import { callEndsSuite, eventsOf } from './call-ends.suite.ts';
import { legEvent, tableHas } from './calls.suite.ts';

const LIMIT = { timeout: 90_000 };
const PARTITIONS = 4;
const HOUR_MS = 3_600_000;

let shared: RedisServer;
let client: RedisClient;
before(async () => {
  shared = await startRedis();
  client = commandClient(shared.url, { logger: silentLogger, name: 'test' });
});
after(async () => {
  client.disconnect();
  await shared.stop();
});

let prefixes = 0;
const prefix = () => `ends-${(prefixes += 1)}:`;
const open = (keyPrefix: string, more: object = {}) =>
  startGateway({ redisUrl: shared.url, redis: { keyPrefix }, plain: true, ...more });

callEndsSuite('Redis Streams', (calls = {}) => open(prefix(), { calls: { enabled: true, ...calls } }));

test('LC4: a leg that has been silent for a day ends, and one that has not goes on', LIMIT, async () => {
  const keyPrefix = prefix();
  const now = Date.now();
  const say = async (callId: string, name: string, hoursAgo: number) => {
    const leg = { account: 'account_id_1', callId };
    const meta = encodeMeta({ ...leg, name, eventId: `${callId}.${name}`, ingestedAt: '', traceparent: '' });
    const { events } = streamKeys(keyPrefix, partitionOf(leg, PARTITIONS));
    const data = legEvent(leg.account, callId, name, { 'Billing-Seconds': 1 });
    await until('an entry', () => client.call('xadd', events, `${now - hoursAgo * HOUR_MS}-*`, 'm', meta, 'd', data));
  };
  await say('silent', 'CHANNEL_CREATE', 40);
  await say('talking', 'CHANNEL_CREATE', 39);
  await say('silent', 'CHANNEL_ANSWER', 30);
  await say('talking', 'CHANNEL_HOLD', 20);
  const stream = { retention: { maxAge: '100h' } };
  await using running = await open(keyPrefix, { calls: { enabled: true }, stream });
  const token = await running.token();
  await tableHas(running, token, ['talking']);
  const reader = await running.connect(`?token=${token}&from=-1h`);
  await until('the end', () => eventsOf(reader, 'silent').length === 1);
  const [end] = eventsOf(reader, 'silent');
  assert.deepEqual(
    [end?.['Hangup-Cause'], end?.['Firehose-Synthetic'], end?.['Duration-Seconds'], end?.['Billing-Seconds']],
    ['ALLOTTED_TIMEOUT', 'silent', 10 * 3_600, 0],
  );
  reader.close();
});

test('a producer of one resource ends no call of another on the same streams', LIMIT, async () => {
  const keyPrefix = prefix();
  const calls = { enabled: true };
  await using north = await open(keyPrefix, { calls, name: 'north', accountId: 'account_id_1' });
  await using south = await open(keyPrefix, { calls, name: 'south', accountId: 'account_id_2' });
  const node = { Node: 'freeswitch@fs1' };
  await north.ingest(legEvent('account_id_1', 'of-north', 'CHANNEL_CREATE', node));
  await south.ingest(legEvent('account_id_2', 'of-south', 'CHANNEL_CREATE', node));
  const login = { username: 'operator', password: 'operatorpassword', domain: 'north' };
  const token = String((await north.login(login)).body['access_token']);
  await tableHas(north, token, ['of-north']);
  const listed_at = new Date(Date.now() + HOUR_MS).toISOString();
  const list = { switch: 'freeswitch@fs1', live: [], listed_at };
  await until('a list that is compared', () => south.reconcile(list), { holds: ({ body }) => body['ended'] === 1 });
  await tableHas(north, token, ['of-north']);
});

test('the table that a resource no longer keeps is removed', LIMIT, async () => {
  const keyPrefix = prefix();
  {
    await using keeping = await open(keyPrefix, { calls: { enabled: true } });
    await keeping.ingest(legEvent('account_id_1', 'a', 'CHANNEL_CREATE'));
    await tableHas(keeping, await keeping.token(), ['a']);
  }
  const keys = Array.from({ length: PARTITIONS }, (_, partition) => callKeys(keyPrefix, partition));
  const left = async () => client.exists(...keys.flatMap((of) => [of.at, of.accounts, of.legs('account_id_1')]));
  assert.equal(await left(), PARTITIONS + 2);
  // Simulates that no replica has kept it for an hour.
  for (const { at } of keys) await client.pexpire(at, 604_800_000 - HOUR_MS);
  await using _ = await open(keyPrefix);
  await until('no key of the table', async () => (await left()) === 0);
});
