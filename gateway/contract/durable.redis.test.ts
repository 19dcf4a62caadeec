import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { groupName, streamKeys } from '../../protocol/keys.ts';
import { ask } from '../../testing/redis-process.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { event } from './gateway.suite.ts';
import { events, frames, untilEvents, untilFrame } from '../testing/frames.ts';
import { Refused, startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';

const LIMIT = { timeout: 60_000 };
const ROOT = '91eb05e5c68d7ca05e7618b6821d2d16';
let redis: RedisServer;
let resources = 0;

before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

/** A resource of its own, whose groups begin with events that are published from now on. */
const open = () => startGateway({ redisUrl: redis.url, name: `durable-${(resources += 1)}` });

let published = 0;
/** Events of three new calls; returns their numbers. */
async function publish(running: RunningGateway, count: number): Promise<number[]> {
  const list = Array.from({ length: count }, () => (published += 1));
  const { body } = await running.ingest(list.map((n) => event('account_id_1', 'DTMF', n)).join('\n'));
  assert.equal(body['accepted'], count);
  return list;
}

/** Connected and served: it gets events from now on. */
async function served(running: RunningGateway, token: string, query = '&v=1'): Promise<Client> {
  const client = await running.connect(`?token=${token}&group=default${query}`);
  if (query.includes('v=1')) while ((await untilFrame(client, 'hello')).standby === null) await delay(10);
  return client;
}

const numbers = (client: Client) => events(client).map(({ n }) => n);
const sorted = (list: readonly number[]) => list.toSorted((a, b) => a - b);

describe('a durable group over sockets', () => {
  test('keeps what nobody has acknowledged, and gives it to the next connection with the same id', LIMIT, async () => {
    await using running = await open();
    const token = await running.token();
    const first = await served(running, token);
    const sent = await publish(running, 9);
    const got = await untilEvents(first, 3);
    const acknowledged = got.slice(0, 1).map(({ _firehose }) => _firehose.id);
    first.send(JSON.stringify({ ack: acknowledged }));
    first.send('{"ack":["nobody"],"ref":"r1"}');
    const refused = await untilFrame(first, 'error');
    assert.deepEqual([refused.code, refused.ref], ['unknown_id', 'r1']);
    first.close();
    const second = await served(running, token);
    // The next event of each call waits for the previous one: when they are acknowledged one by one, all arrive.
    const rest = await acknowledgeAll(second, sent.length - 1);
    assert.deepEqual(sorted(rest), sorted(sent.filter((n) => n !== got[0]?.n)));
    second.close();
  });

  test('a plain client acknowledges by its pongs: what it was sent does not come again', LIMIT, async () => {
    await using running = await open();
    const token = await running.token();
    const first = await served(running, token, '&meta=1');
    const sent = await publish(running, 30);
    const got = await untilEvents(first, 30);
    assert.deepEqual(sorted(got.map(({ n }) => n)), sent);
    for (const call of [0, 1, 2]) {
      const ofCall = got.map(({ n }) => n).filter((n) => n % 3 === call);
      assert.deepEqual(ofCall, sorted(ofCall));
    }
    // A ping comes a second after the last event at the latest.
    await until('the last pong processed', () => pendingOf(`default/durable-${resources}`), {
      holds: (pending) => pending === 0,
    });
    first.close();
    const second = await served(running, token, '&meta=1');
    const more = await publish(running, 3);
    assert.deepEqual(sorted((await untilEvents(second, 3)).map(({ n }) => n)), more);
    second.close();
  });

  test('two connections share the events by call, and neither sees what the other has', LIMIT, async () => {
    await using running = await open();
    const token = await running.token();
    const both = [await served(running, token), await served(running, token)];
    const sent = await publish(running, 60);
    await Promise.all(
      both.map((client) => acknowledgeUntil(client, () => both.flatMap(numbers).length >= sent.length)),
    );
    assert.deepEqual(sorted(both.flatMap(numbers)), sent);
    for (const client of both) client.close();
  });

  test('a refused event comes again as another attempt, after the delay that was asked for', LIMIT, async () => {
    await using running = await open();
    const client = await served(running, await running.token());
    await publish(running, 1);
    const [first] = await untilEvents(client, 1);
    client.send(JSON.stringify({ nack: first?._firehose.id, delay_ms: 50 }));
    const [, again] = await untilEvents(client, 2);
    assert.equal(again?._firehose.id, first?._firehose.id);
    const attempts = client.messages.flatMap((text) => /"attempt":(\d+)/.exec(text)?.[1] ?? []);
    assert.deepEqual(attempts, ['1', '2']);
    client.send(JSON.stringify({ term: again?._firehose.id, reason: 'no such customer' }));
    await publish(running, 1);
    await untilEvents(client, 3);
    client.close();
  });

  test('what cannot be is answered before the upgrade', LIMIT, async () => {
    await using running = await open();
    const token = await running.token();
    const holder = await served(running, token);
    const narrower = await running.token({ accounts: ['account_id_1'] });
    const refusals: [string, number, string][] = [
      [`?token=${token}&group=nobody`, 400, 'unknown_group'],
      [`?token=${token}&group=default&from=-1m`, 400, 'group_keeps_position'],
      [`?token=${narrower}&group=default`, 409, 'group_grant_differs'],
      [`?token=${narrower}&group=default&regroup=true`, 409, 'group_grant_differs'],
      [`?token=${token}&group=default&regroup=1`, 400, 'invalid_regroup'],
      [`?token=${token}&regroup=true`, 400, 'invalid_regroup'],
    ];
    for (const [target, status, code] of refusals) {
      await assert.rejects(
        running.connect(target),
        (error) => error instanceof Refused && error.status === status && error.code === code,
        target,
      );
    }
    holder.send('{"filter":{"accounts":null,"events":["DTMF"]},"ref":"f"}');
    assert.equal((await untilFrame(holder, 'error')).code, 'filter_fixed');
    holder.close();
    await using standalone = await startGateway({});
    await assert.rejects(
      standalone.connect(`?token=${await standalone.token()}&group=default`),
      (error) => error instanceof Refused && error.status === 501 && error.code === 'groups_need_redis',
    );
  });

  test('a replica that drains hands its share over: nothing is lost', LIMIT, async () => {
    await using one = await open();
    await using two = await startGateway({ redisUrl: redis.url, name: `durable-${resources}`, state: one.stateFolder });
    const token = await one.token();
    const [first, second] = [await served(one, token), await served(two, token)];
    const sent = await publish(one, 30);
    const both = [first, second];
    const acknowledging = acknowledgeUntil(second, () => new Set(both.flatMap(numbers)).size >= sent.length);
    await acknowledgeUntil(first, () => numbers(first).length > 0 || numbers(second).length > 0);
    const stop = new AbortController();
    const draining = one.gateway.drain('SIGTERM', stop.signal);
    await acknowledging;
    stop.abort();
    await draining;
    assert.deepEqual(sorted([...new Set(both.flatMap(numbers))]), sent);
    assert.equal((await first.closed).code, 1012);
    second.close();
  });

  test(
    'a drain sends the connections of a group to other replicas first: it gives them nothing any more',
    LIMIT,
    async () => {
      await using one = await open();
      const token = await one.token();
      const others: Client[] = [];
      for (let n = 0; n < 10; n += 1) others.push(await one.connect(`?token=${token}`));
      const member = await served(one, token);
      let gone = 0;
      for (const { closed } of others) void closed.then(() => (gone += 1));
      const stop = new AbortController();
      const draining = one.gateway.drain('SIGTERM', stop.signal);
      assert.equal((await member.closed).code, 1012);
      assert.ok(gone < others.length, 'the others have their time');
      stop.abort();
      await draining;
    },
  );

  test(
    'I3, I7: what a connection has in hand when its replica drains it may still acknowledge, and nobody gets it again',
    LIMIT,
    async () => {
      await using one = await open();
      const token = await one.token();
      const first = await served(one, token);
      await publish(one, 3);
      const got = await untilEvents(first, 3);
      const draining = one.gateway.drain('SIGTERM', new AbortController().signal);
      await untilFrame(first, 'drain');
      first.send(JSON.stringify({ ack: got.map(({ _firehose }) => _firehose.id) }));
      assert.equal((await first.closed).code, 1012);
      await draining;
      await using two = await startGateway({
        redisUrl: redis.url,
        name: `durable-${resources}`,
        state: one.stateFolder,
      });
      const second = await served(two, token);
      const sent = await publish(two, 3);
      await untilEvents(second, 3);
      assert.deepEqual(sorted(numbers(second)), sent);
      second.close();
    },
  );
});

/** How many events of the group of the quickstart's account wait for an acknowledgement. */
async function pendingOf(resource: string): Promise<number> {
  const group = groupName(resource, 'default', ROOT);
  const keys = [0, 1, 2, 3].map((partition) => streamKeys('firehose:', partition).events);
  const counts = await Promise.all(keys.map((key) => ask(redis.port, ['xpending', key, group])));
  return (counts as [number][]).reduce((sum, [count]) => sum + count, 0);
}

async function acknowledgeAll(client: Client, count: number): Promise<number[]> {
  await acknowledgeUntil(client, () => numbers(client).length >= count);
  return numbers(client);
}

/** Acknowledges each event by its cursor on arrival. */
async function acknowledgeUntil(client: Client, isEnough: () => boolean): Promise<void> {
  let done = 0;
  while (!isEnough()) {
    const all = events(client);
    for (const { _firehose } of all.slice(done)) client.send(JSON.stringify({ ack: _firehose.cursor }));
    done = all.length;
    await delay(10);
  }
  const all = events(client);
  for (const { _firehose } of all.slice(done)) client.send(JSON.stringify({ ack: _firehose.cursor }));
  assert.deepEqual(
    frames(client).filter(({ type }) => type === 'error'),
    [],
  );
}
