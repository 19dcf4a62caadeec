import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { STREAM_PATH } from '../../protocol/paths.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { until } from '../../testing/until.ts';
import { events, frames } from '../testing/frames.ts';
import { startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';
import { event } from './gateway.suite.ts';

const LIMIT = { timeout: 60_000 };
const GROUPS = [{ name: 'default', ackWait: '2s', maxDeliver: 3 }];
let redis: RedisServer;
let resources = 0;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

const open = (partitions = 2) => {
  const name = `hung-${(resources += 1)}`;
  // Streams of its own: the number of partitions cannot differ within one prefix.
  const own = { name, redis: { keyPrefix: `firehose:${name}:` } };
  return startGateway({ redisUrl: redis.url, ...own, groups: GROUPS, stream: { partitions } });
};

let published = 0;
/** Events of this many calls. */
async function publish(running: RunningGateway, count: number): Promise<number[]> {
  const list = Array.from({ length: count }, () => (published += 1));
  const bodies = list.map((n) =>
    event('account_id_1', 'DTMF', n).replace(/"Call-ID":"[^"]*"/, `"Call-ID":"call-${n}"`),
  );
  assert.equal((await running.ingest(bodies.join('\n'))).body['accepted'], count);
  return list;
}

/** With a token that was issued before: a login takes time, and a member that hangs does not wait for it. */
async function member(running: RunningGateway, token: string): Promise<Client> {
  const client = await running.connect(`?token=${token}&group=default&v=1`);
  // On a busy machine it may be told at first that it is on standby.
  await until('the member served', () => frames(client).findLast(({ type }) => type === 'hello'), {
    holds: (hello) => hello?.type === 'hello' && hello.standby === false,
  });
  return client;
}

/** Acknowledges all received events, and returns their numbers. */
function acknowledging(client: Client): () => number[] {
  let done = 0;
  return () => {
    const all = events(client);
    for (const { _firehose } of all.slice(done)) client.send(JSON.stringify({ ack: [_firehose.id] }));
    done = all.length;
    return all.map(({ n }) => n);
  };
}

/** Refuses all received events. */
function refusing(client: Client): () => void {
  let done = 0;
  return () => {
    const all = events(client);
    for (const { _firehose } of all.slice(done)) client.send(JSON.stringify({ nack: _firehose.id, delay_ms: 1 }));
    done = all.length;
  };
}

const attemptsOf = (client: Client) => client.messages.flatMap((text) => /"attempt":(\d+)/.exec(text)?.[1] ?? []);

async function deadLetters(running: RunningGateway): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let after = ''; ;) {
    const { body } = await running.administer(`/dead-letters/default?limit=500${after}`);
    const { dead_letters: page, next } = body as { dead_letters: unknown[]; next: string | null };
    all.push(...page);
    if (next === null) return all;
    after = `&after=${encodeURIComponent(next)}`;
  }
}

describe('I14, I18: a member of a group that hangs, over TLS', () => {
  test(
    'T1: what it does not acknowledge goes to the other one, nothing becomes a dead letter, and it gets no new calls',
    LIMIT,
    async () => {
      await using running = await open();
      const token = await running.token();
      const hung = await member(running, token);
      const healthy = await member(running, token);
      const work = acknowledging(healthy);
      const sent = await publish(running, 20);
      await until('all 20 at the healthy member', () => new Set(work()).size, { holds: (seen) => seen === 20 });
      const had = events(hung).length;
      assert.ok(had > 0 && had < 20, `the hung member had ${had}`);
      const more = await publish(running, 20);
      await until('the new calls', () => more.every((n) => work().includes(n)));
      assert.equal(events(hung).length, had);
      assert.deepEqual(await deadLetters(running), []);
      assert.deepEqual(new Set(work()), new Set([...sent, ...more]));
      // The client sees the second delivery as such.
      assert.equal(attemptsOf(healthy).filter((attempt) => attempt === '2').length, had);
      // It works again: a late acknowledgement is a sign of life.
      hung.send(JSON.stringify({ ack: events(hung).map(({ _firehose }) => _firehose.id) }));
      const revived = acknowledging(hung);
      await until('calls for both', async () => {
        await publish(running, 10);
        work();
        return revived().length > had;
      });
      hung.close();
      healthy.close();
    },
  );

  test('T1: a host that vanished without FIN keeps nothing from the others', LIMIT, async () => {
    await using running = await open();
    await using proxy = await startTcpProxy(running.gateway.port);
    const ca = await readFile(join(running.stateFolder, 'ca.crt'), 'utf8');
    const token = await running.token();
    const url = `wss://127.0.0.1:${proxy.port}${STREAM_PATH}?token=${token}&group=default&v=1`;
    const vanishing = new WebSocket(url, { ca });
    await new Promise<void>((resolve) => vanishing.once('message', () => resolve()));
    proxy.blackHole(true);
    const healthy = await member(running, token);
    const work = acknowledging(healthy);
    const sent = await publish(running, 40);
    await until('all 40 at the healthy member', () => new Set(work()).size, { holds: (seen) => seen === 40 });
    assert.deepEqual(new Set(work()), new Set(sent));
    assert.deepEqual(await deadLetters(running), []);
    vanishing.terminate();
    healthy.close();
  });

  test('a member that comes while the only one hangs gets what that one has', LIMIT, async () => {
    await using running = await open();
    const token = await running.token();
    const hung = await member(running, token);
    const sent = await publish(running, 5);
    await until('an event that is overdue', () => attemptsOf(hung).includes('2'));
    const healthy = await member(running, token);
    const work = acknowledging(healthy);
    await until('all 5 at the healthy member', () => new Set(work()).size, { holds: (seen) => seen === 5 });
    assert.deepEqual(new Set(work()), new Set(sent));
    assert.deepEqual(await deadLetters(running), []);
    hung.close();
    healthy.close();
  });

  test('a replica whose only member hangs hands its partitions to one that has a healthy member', LIMIT, async () => {
    // So many that each replica would own some, whatever their names are.
    await using running = await open(16);
    await using other = await running.another();
    for (const { gateway } of [running, other]) {
      const ready = `http://127.0.0.1:${gateway.innerPort}/readyz`;
      await until('a replica that is ready', async () => (await fetch(ready)).ok, { limitMs: 20_000 });
    }
    const token = await running.token();
    const hung = await member(running, token);
    const sent = await publish(running, 20);
    await until('all 20 at the hung member', () => events(hung).length, {
      holds: (seen) => seen >= 20,
      limitMs: 20_000,
    });
    const healthy = await other.connect(`?token=${token}&group=default&v=1`);
    const work = acknowledging(healthy);
    await until('all 20 at the healthy member', () => new Set(work()).size, {
      holds: (seen) => seen === 20,
      limitMs: 25_000,
    });
    const more = await publish(running, 20);
    await until('the new calls', () => more.every((n) => work().includes(n)), { limitMs: 25_000 });
    assert.deepEqual(new Set(work()), new Set([...sent, ...more]));
    assert.deepEqual(await deadLetters(running), []);
    hung.close();
    healthy.close();
  });

  test(
    'an event that two members refuse is a dead letter, one that the only member refuses as well',
    LIMIT,
    async () => {
      await using running = await open();
      const token = await running.token();
      const [one, other] = [await member(running, token), await member(running, token)];
      const [first, second] = [refusing(one), refusing(other)];
      await publish(running, 1);
      await until('a dead letter', async () => {
        first();
        second();
        return (await deadLetters(running)).length === 1;
      });
      assert.ok(events(one).length > 0 && events(other).length > 0, 'both had it');
      assert.equal(events(one).length + events(other).length, 3);
      other.close();
      await publish(running, 1);
      await until('another dead letter', async () => {
        first();
        return (await deadLetters(running)).length === 2;
      });
      one.close();
    },
  );

  test(
    'an event that the only member of its replica always refuses ends as a dead letter, wherever others are',
    LIMIT,
    async () => {
      await using running = await open(16);
      await using other = await running.another();
      const refusers = [await running.connect(`?token=${await running.token()}&group=default&v=1`)];
      refusers.push(await other.connect(`?token=${await other.token()}&group=default&v=1`));
      const refuse = refusers.map(refusing);
      let sent = 0;
      const again = () => {
        for (const one of refuse) one();
      };
      // The second replica takes its partitions over once it has learned of the first.
      await until('events at both', async () => {
        sent += (await publish(running, 5)).length;
        again();
        return refusers.every((client) => events(client).length > 0);
      });
      const dead = async () => {
        again();
        return (await deadLetters(running)).length;
      };
      await until('all of them dead letters', dead, { holds: (count) => count === sent, limitMs: 30_000 });
      for (const client of refusers) client.close();
    },
  );
});
