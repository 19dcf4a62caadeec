import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownStreams } from '../../event-log/known-streams.ts';
import { logState, partitionStates } from '../../event-log/partition-state.ts';
import { encodeUnsealed } from '../../event-log/testing/unsealed.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { events, frames, untilEvents, untilFrame } from '../testing/frames.ts';
import { Refused, startGateway, type RunningGateway } from '../testing/running-gateway.ts';

const OPERATOR = { username: 'operator', password: 'operatorpassword', domain: 'north' };
const event = (n: number, account: string, call = `call-${n}`) =>
  JSON.stringify({ 'Event-Name': 'CHANNEL_ANSWER', 'Call-ID': call, n, 'Account-ID': account });

const operatorToken = async (running: RunningGateway) => String((await running.login(OPERATOR)).body['access_token']);
const isRefused = (status: number, code: string) => (error: unknown) =>
  error instanceof Refused && error.status === status && error.code === code;

async function withClient() {
  const redis = await startRedis();
  const client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(client, 5_000));
  return {
    url: redis.url,
    client,
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await redis.stop();
    },
  };
}

test('no cursor tells an account when others have events, and any replica takes it', async () => {
  await using redis = await withClient();
  await using one = await startGateway({ redisUrl: redis.url });
  await using two = await one.another();
  const token = await operatorToken(one);
  const client = await one.connect(`?token=${token}&v=1`);
  await untilFrame(client, 'hello');
  const foreign = Array.from({ length: 40 }, (_, n) => event(n, 'account_id_2'));
  assert.equal((await one.ingest(foreign.join('\n'))).body['accepted'], 40);
  await one.ingest(event(100, 'account_id_1'));
  const [mine] = await untilEvents(client, 1);
  const cursors = [mine?._firehose.cursor ?? ''];
  for (const frame of frames(client)) if (frame.type === 'hello') cursors.push(frame.cursor ?? '', frame.oldest ?? '');
  assert.equal(cursors.length, 3);
  const entries = await Promise.all([0, 1, 2, 3].map((p) => redis.client.xrange(`firehose:{${p}}:events`, '-', '+')));
  const times = entries.flat().map(([id]) => Number(id.split('-')[0]));
  for (const cursor of cursors) {
    const bytes = Buffer.from(cursor, 'base64url');
    for (const milliseconds of times) {
      assert.equal(bytes.includes(Buffer.from(milliseconds.toString(16).padStart(12, '0'), 'hex')), false);
      assert.equal(bytes.toString('latin1').includes(String(milliseconds)), false);
    }
  }
  await one.ingest(event(101, 'account_id_3'));
  const resumed = await two.connect(`?token=${await operatorToken(two)}&v=1&cursor=${cursors[0]}`);
  await untilEvents(resumed, 1);
  assert.deepEqual(
    events(resumed).map(({ n }) => n),
    [101],
  );
  const changed = `${cursors[0]?.slice(0, -1)}${cursors[0]?.endsWith('A') ? 'Q' : 'A'}`;
  await assert.rejects(one.connect(`?token=${token}&cursor=${changed}`), isRefused(400, 'invalid_cursor'));
  const { epoch } = logState(await partitionStates({ ...place(redis.client), known: new KnownStreams(null) }));
  const probe = encodeUnsealed({ epoch, ids: [0, 1, 2, 3].map(() => `${Math.max(...times) + 60_000}-0`) });
  await assert.rejects(one.connect(`?token=${token}&cursor=${probe}`), isRefused(410, 'epoch_lost'));
  for (const each of [client, resumed]) each.close();
});

const place = (client: Awaited<ReturnType<typeof withClient>>['client']) => ({
  client,
  keyPrefix: 'firehose:',
  partitions: 4,
});

test('a cursor of the version before is good after the upgrade', async () => {
  await using redis = await withClient();
  await partitionStates({ ...place(redis.client), known: new KnownStreams(null) });
  const add = (n: number) =>
    redis.client.xadd('firehose:{0}:events', '*', 'm', '1\tDTMF\taccount_id_1', 'd', `{"n":${n}}`);
  await add(1);
  const { epoch, newest } = logState(await partitionStates({ ...place(redis.client), known: new KnownStreams(null) }));
  await add(2);
  await using running = await startGateway({ redisUrl: redis.url });
  const old = encodeUnsealed({ epoch, ids: newest });
  const client = await running.connect(`?token=${await running.token()}&cursor=${old}`);
  assert.deepEqual(await client.received(1), ['{"n":2}']);
  client.close();
  const beyond = encodeUnsealed({ epoch, ids: newest.map((id) => `${Number(id.split('-')[0]) + 3_600_000}-0`) });
  const asked = running.connect(`?token=${await running.token()}&cursor=${beyond}`);
  await assert.rejects(asked, isRefused(400, 'cursor_from_future'));
});

test('the key of cursors outlives every replica, and goes with the log: what is lost is told as lost', async () => {
  await using redis = await withClient();
  let cursor = '';
  let stateFolder = '';
  {
    await using first = await startGateway({ redisUrl: redis.url });
    const client = await first.connect(`?token=${await first.token()}&v=1`);
    cursor = (await untilFrame(client, 'hello')).cursor ?? '';
    stateFolder = first.stateFolder;
    client.close();
  }
  assert.notEqual(stateFolder, '');
  await using second = await startGateway({ redisUrl: redis.url });
  await second.ingest(event(1, 'account_id_1'));
  const token = await second.token();
  const resumed = await second.connect(`?token=${token}&cursor=${cursor}`);
  assert.equal((await resumed.received(1)).length, 1);
  await redis.client.flushall();
  assert.equal((await resumed.closed).code, 4410);
  await assert.rejects(second.connect(`?token=${token}&cursor=${cursor}`), isRefused(410, 'epoch_lost'));
  const clamped = await second.connect(`?token=${token}&v=1&cursor=${cursor}&on_gap=clamp`);
  assert.equal((await untilFrame(clamped, 'gap')).reason, 'epoch_lost');
  clamped.close();
});
