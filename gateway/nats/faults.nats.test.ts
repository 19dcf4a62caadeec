import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startNats } from '../../testing/nats-server.ts';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { events, type PublishedEvent } from '../testing/group-replica.ts';
import { ledgerFaults, SunkResource, TestStream, type Stored } from '../testing/nats-gateway.ts';

const LIMIT = { timeout: 180_000 };
const ACCOUNTS = ['account_id_1', 'account_id_2', 'account_id_3', '91eb05e5c68d7ca05e7618b6821d2d16'];
let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

/** 1,000 events of 50 calls of four accounts. */
function thousand(prefix: string): PublishedEvent[] {
  const calls = Array.from({ length: 50 }, (_, at) => `${prefix}-${at}`);
  return events(calls, 20).map((event, at) => ({ ...event, account: ACCOUNTS[(at % 50) % 4] ?? '' }));
}

async function sunk(maxDeliver = 1) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startNats());
  const stream = new TestStream({ servers: server.url });
  await stream.create();
  // Slow enough that a test can disturb it.
  const proxy = stack.use(await startTcpProxy(server.port));
  proxy.delayReplies(20);
  // An event fails once at most: an outage that counted an attempt would make dead letters.
  const group = { maxDeliver, ackWait: '4s' };
  const nats = { servers: [`nats://127.0.0.1:${proxy.port}`], timeout: '2s', concurrency: 8 };
  const resource = stack.use(await SunkResource.create({ redisUrl: redis.url, nats, group }));
  const reached = (count: number) =>
    until(`${count} messages in the stream`, () => stream.count(), { holds: (seen) => seen >= count });
  return { server, stream, proxy, resource, reached, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('J1, J2: 1,000 events across calls and accounts are in the stream once, in the order of each call', () => {
  test('through kill -9 of one of two replicas, then of the other', LIMIT, async () => {
    await using it = await sunk(5);
    const replicas = [await it.resource.spawn(), await it.resource.spawn()];
    const published = thousand('killed');
    await it.resource.publish(published.slice(0, 500));
    let goal = 100;
    for (const replica of replicas) {
      await it.reached(goal);
      replica.kill('SIGKILL');
      await replica.exitCode;
      await it.resource.publish(goal === 100 ? published.slice(500) : []);
      goal = 600;
    }
    const before = await it.stream.count();
    await it.resource.spawn();
    await it.reached(1_000);
    assert.ok(before < 1_000, 'the replicas were killed too late');
    const messages = await it.stream.messages();
    assert.deepEqual(ledgerFaults(messages, published), []);
    assert.equal(messages.length, 1_000);
  });

  test('where acknowledgements are lost: what is sent again is dropped', LIMIT, async () => {
    await using it = await sunk();
    await using gateway = await it.resource.start();
    const published = thousand('lost');
    await it.resource.publish(published);
    for (let cut = 1; cut <= 5; cut += 1) {
      await it.reached(cut * 50);
      it.proxy.cutNextReply();
      await until(`cut ${cut}`, () => it.proxy.cuts(), { holds: (seen) => seen === cut });
    }
    await it.reached(1_000);
    const shown = async () => (await it.resource.administer(gateway.innerPort, '/sinks/bus')).body;
    await until('nothing under way', async () => (await shown())['in_flight'], { holds: (seen) => seen === 0 });
    const messages = await it.stream.messages();
    assert.deepEqual(ledgerFaults(messages, published), []);
    assert.equal(messages.length, 1_000);
    assert.deepEqual((await it.resource.administer(gateway.innerPort, '/dead-letters/bus')).body['dead_letters'], []);
  });

  test('through kill -9 of nats-server and its restart', LIMIT, async () => {
    await using it = await sunk();
    await using gateway = await it.resource.start();
    const published = thousand('restarted');
    await it.resource.publish(published.slice(0, 400));
    await it.reached(100);
    await it.server.kill();
    await it.resource.publish(published.slice(400));
    const shown = async () => (await it.resource.administer(gateway.innerPort, '/sinks/bus')).body;
    await until('two pauses', async () => Number((await shown())['failures']), { holds: (seen) => seen >= 2 });
    await it.server.restart();
    await it.reached(1_000);
    const messages = await it.stream.messages();
    assert.deepEqual(ledgerFaults(messages, published), []);
    assert.equal(messages.length, 1_000);
    assert.deepEqual((await it.resource.administer(gateway.innerPort, '/dead-letters/bus')).body['dead_letters'], []);
  });

  test('while the stream is deleted and created again', LIMIT, async () => {
    await using it = await sunk();
    await using gateway = await it.resource.start();
    const published = thousand('created');
    await it.resource.publish(published.slice(0, 400));
    await it.reached(400);
    const before: readonly Stored[] = await it.stream.messages();
    await it.stream.delete();
    await it.resource.publish(published.slice(400));
    const shown = async () => (await it.resource.administer(gateway.innerPort, '/sinks/bus')).body;
    await until('no stream', async () => (await shown())['failing_cause'], { holds: (seen) => seen === 'NO_STREAM' });
    assert.ok((await shown())['state'] !== 'sending');
    await it.stream.create();
    await it.reached(600);
    assert.deepEqual(ledgerFaults([...before, ...(await it.stream.messages())], published), []);
    assert.deepEqual((await it.resource.administer(gateway.innerPort, '/dead-letters/bus')).body['dead_letters'], []);
    assert.equal((await shown())['failing_since'], null);
  });
});
