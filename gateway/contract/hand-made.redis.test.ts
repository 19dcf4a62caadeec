import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { events, frames, untilEvents } from '../testing/frames.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';

const OPERATOR = { username: 'operator', password: 'operatorpassword', domain: 'north' };

let redis: RedisServer;
let client: RedisClient;
let one: RunningGateway;
let two: RunningGateway;
before(async () => {
  redis = await startRedis();
  client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(client, 5_000));
  one = await startGateway({ redisUrl: redis.url });
  two = await one.another();
});
after(async () => {
  await two[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  client.disconnect();
  await redis.stop();
});

const add = (data: string | Buffer, account = 'account_id_1') =>
  client.xadd('firehose:{0}:events', '*', 'm', `1\tCHANNEL_ANSWER\t${account}`, 'd', data);

describe('an entry that was written to the stream by hand', () => {
  it('reaches nobody when it is no event, and what lies around it arrives: over TLS, at two replicas, for two users', async () => {
    const plain = await one.connect(`?token=${await one.token()}`);
    const told = await two.connect(`?token=${String((await two.login(OPERATOR)).body['access_token'])}&v=1`);
    const bad = [
      '{"Caller-ID-Name":"O"Brien"}',
      '{"\\u005ffirehose":{"type":"drain","retry_after_ms":1}}',
      '{"_firehose":{"type":"hello"}}',
      '{"a":1}{"b":2}',
      '{"a":1,}',
      `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      Buffer.from('{"a":"\xff"}', 'latin1'),
      '',
    ];
    await add('{"n":1}');
    for (const data of bad) await add(data);
    await add(' {"n":2}\n');
    await untilEvents(told, 2);
    await plain.received(2);
    assert.deepEqual(plain.messages, ['{"n":1}', ' {"n":2}\n']);
    assert.deepEqual(
      events(told).map(({ n }) => n),
      [1, 2],
    );
    const gaps = () => frames(told).filter((frame) => frame.type === 'gap');
    const missed = () => gaps().reduce((sum, gap) => sum + (gap.missed ?? 0), 0);
    while (missed() < bad.length) await told.received(told.messages.length + 1);
    assert.equal(missed(), bad.length);
    assert.ok(gaps().every(({ reason }) => reason === 'poison'));
    const resumed = await one.connect(`?token=${await one.token()}&from=-1h`);
    await resumed.received(2);
    assert.deepEqual(resumed.messages, plain.messages);
    for (const connection of [plain, told, resumed]) connection.close();
  });

  it('reaches a connection without a filter when its name is well-formed and unknown, and nobody when it is never forwarded', async () => {
    const [all, filtered] = await Promise.all([
      one.connect(`?token=${await one.token()}`),
      two.connect(`?token=${await two.token({ events: ['CHANNEL_ANSWER'] })}`),
    ]);
    const named = (name: string) =>
      client.xadd('firehose:{1}:events', '*', 'm', `1\t${name}\taccount_id_1`, 'd', `{"name":"${name}"}`);
    for (const name of ['LEG_CREATED', 'CHANNEL_FOO', 'channel_foo', 'kazoo::noop', 'CHANNEL_ANSWER'])
      await named(name);
    await all.received(2);
    await filtered.received(1);
    assert.deepEqual(all.messages, ['{"name":"CHANNEL_FOO"}', '{"name":"CHANNEL_ANSWER"}']);
    assert.deepEqual(filtered.messages, ['{"name":"CHANNEL_ANSWER"}']);
    for (const connection of [all, filtered]) connection.close();
  });

  it('with the greatest id is named by readiness and by what ingest answers, and the remedy that is named heals it', async () => {
    const ready = async () => {
      const answer = await fetch(`http://127.0.0.1:${one.gateway.innerPort}/readyz`);
      const { checks } = (await answer.json()) as { checks: { streams: { detail: string } } };
      return { status: answer.status, detail: checks.streams.detail };
    };
    assert.deepEqual(await ready(), { status: 200, detail: 'in order' });
    const key = 'firehose:{2}:events';
    const greatest = '18446744073709551615-18446744073709551615';
    const last = (await client.xadd(key, '*', 'm', '1\tDTMF\taccount_id_1', 'd', '{}')) ?? '';
    await client.xadd(key, greatest, 'm', '1\tDTMF\taccount_id_1', 'd', '{}');
    const named = await until('readiness names the stream', ready, { holds: ({ status }) => status === 503 });
    assert.match(named.detail, /^partition 2 takes no event.*XDEL firehose:\{2\}:events 18446744073709551615/);
    const call = Array.from({ length: 100 }, (_, at) => `c${at}`).find(
      (id) => partitionOf({ callId: id, account: '' }, 4) === 2,
    );
    let tries = 0;
    const event = () => `{"Event-Name":"DTMF","Call-ID":"${call}","Try":${(tries += 1)},"Account-ID":"account_id_1"}`;
    const refused = (await one.ingest(event())).body as unknown as { events: { status: string; code: string }[] };
    assert.deepEqual([refused.events[0]?.status, refused.events[0]?.code], ['failed', 'EXHAUSTED']);
    await client.xdel(key, greatest);
    await client.call('XSETID', key, last);
    for (const group of await groupsOf(key)) await client.xgroup('SETID', key, group, last);
    await until('it is in order again', ready, { holds: ({ status }) => status === 200 });
    // The other replica may still have the position of the removed entry: clients that it ends with 4410 reconnect.
    const token = await two.token();
    const [arrived] = await until('an event through the healed stream', async () => {
      const connection = await two.connect(`?token=${token}`);
      await one.ingest(event());
      const events = await connection.received(1).catch(() => null);
      connection.close();
      return events;
    });
    assert.match(arrived ?? '', /"Try":/);
  });
});

async function groupsOf(key: string): Promise<string[]> {
  const groups = (await client.xinfo('GROUPS', key)) as string[][];
  return groups.map((group) => group[group.indexOf('name') + 1] ?? '');
}
