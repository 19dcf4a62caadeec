import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { freePort } from '../../testing/free-port.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { contractSuite, readiness } from './contract.suite.ts';
import { event } from './gateway.suite.ts';
import { Refused, startGateway } from '../testing/running-gateway.ts';
import { until } from '../../testing/until.ts';

const LIMIT = { timeout: 60_000 };
const CALLS = [0, 1, 2];
const EVENTS_A_CALL = 150;

let shared: RedisServer;
before(async () => {
  shared = await startRedis();
});
after(() => shared.stop());

let resources = 0;
contractSuite('Redis Streams', () => {
  resources += 1;
  return startGateway({ redisUrl: shared.url, name: `contract-${resources}`, plain: true });
});

test(
  'a gateway that starts before its Redis is up refuses with 503, and serves once Redis has come',
  LIMIT,
  async () => {
    const port = await freePort();
    await using running = await startGateway({ redisUrl: `redis://127.0.0.1:${port}`, plain: true });
    const away = await readiness(running);
    assert.deepEqual([away.status, away.checks['log']], [503, false]);
    await assert.rejects(
      running.connect('?token=anything'),
      (error) => error instanceof Refused && error.status === 503 && error.code === 'log_unavailable',
    );
    assert.equal((await running.ingest(event('account_id_1', 'CHANNEL_HOLD', 1))).status, 503);
    await using _redis = await startRedis({ port });
    await until('the replica ready', async () => (await readiness(running)).status, { holds: (seen) => seen === 200 });
    const client = await running.connect(`?token=${await running.token()}`);
    const sent = event('account_id_1', 'CHANNEL_HOLD', 2);
    assert.equal((await running.ingest(sent)).body['accepted'], 1);
    assert.deepEqual(await client.received(1), [sent]);
  },
);

test(
  'I1, I2: requests in flight while Redis with AOF dies: nothing acknowledged is lost, doubled or out of order',
  LIMIT,
  async () => {
    await using redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    await using running = await startGateway({ redisUrl: redis.url });
    const client = await running.connect(`?token=${await running.token()}`);
    let refused = 0;
    // One producer for each call, because order is promised within a call; each sends an event again until it is
    // acknowledged.
    const produce = async (call: number) => {
      for (let at = 0; at < EVENTS_A_CALL; at += 1) {
        await until('the event acknowledged', async () => {
          const { body } = await running.ingest(event('account_id_1', 'CHANNEL_HOLD', at * CALLS.length + call));
          const isHeld = (body['accepted'] ?? 0) + (body['duplicate'] ?? 0) === 1;
          if (!isHeld) refused += 1;
          return isHeld;
        });
      }
    };
    const producers = Promise.all(CALLS.map(produce));
    await client.received(60);
    await redis.kill();
    await until('an ingest refused', () => refused, { holds: (seen) => seen > 0 });
    await redis.restart();
    await producers;
    const total = EVENTS_A_CALL * CALLS.length;
    const numbers = (await client.received(total)).map((text) => (JSON.parse(text) as { n: number }).n);
    for (const call of CALLS) {
      const expected = Array.from({ length: EVENTS_A_CALL }, (_, at) => at * CALLS.length + call);
      assert.deepEqual(
        numbers.filter((n) => n % CALLS.length === call),
        expected,
      );
    }
    assert.equal(numbers.length, total);
  },
);
