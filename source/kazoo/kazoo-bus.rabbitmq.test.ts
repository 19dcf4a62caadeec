import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { openPublisher, publishAll, TRANSIENT } from '../amqp/testing/rabbit-bus.ts';
import { runKazoo } from './testing/kazoo-bus.ts';
import { kazooCalls, kazooEvent } from './testing/kazoo-events.ts';
import { isBound, startKazooStage, type KazooStage } from './testing/kazoo-stage.ts';
import { loggedEvents, loggedGaps } from './testing/log-of.ts';
import { RABBIT_START } from '../../testing/rabbitmq-server.ts';

const LIMIT = { timeout: 180_000 };
const PROCESS = fileURLToPath(new URL('testing/kazoo-process.ts', import.meta.url));

let stage: KazooStage;
before(async () => {
  stage = await startKazooStage();
}, RABBIT_START);
after(() => stage[Symbol.asyncDispose]());

test(
  'S1 S2 S5: kill -9 of the active replica at 800 events a second: 10,000 of 10,000 in the log, in order',
  LIMIT,
  async () => {
    const given = stage.ownSource();
    const start = (replica: string) => {
      const line = JSON.stringify({ ...given, replica });
      const child = spawn(process.execPath, [PROCESS, line], { stdio: ['ignore', 'pipe', 'inherit'] });
      const state = { child, bound: false, appended: 0 };
      createInterface({ input: child.stdout }).on('line', (text) => {
        if (text === 'bound') state.bound = true;
        else state.appended = Number(text.split(' ')[1]);
      });
      return state;
    };
    const replicas = [start('a'), start('b')];
    await using reading = await runKazoo({ ...given, source: 'telephony/reader', exchange: 'elsewhere' });
    try {
      await until('both replicas are bound', () => replicas.every(({ bound }) => bound));
      await using bus = await openPublisher(stage.rabbit.url);
      const calls = kazooCalls(1_000);
      const begin = performance.now();
      for (const [index, { key, body }] of calls.entries()) {
        bus.channel.publish(given.exchange, key, body, TRANSIENT);
        // 800 a second.
        if (index % 8 === 7) await delay(Math.max(0, begin + (index / 800) * 1_000 - performance.now()));
        if (index !== 4_000) continue;
        const active = await until('one of them appends', () => replicas.find(({ appended }) => appended > 0));
        active.child.kill('SIGKILL');
      }
      await until('all are in the log', async () => (await loggedEvents(reading.eventLog)).length, {
        holds: (count) => count >= calls.length,
      });
      const found = await loggedEvents(reading.eventLog);
      assert.equal(found.length, 10_000);
      assert.equal(new Set(found.map(({ n }) => n)).size, 10_000);
      for (const leg of Map.groupBy(found, ({ callId }) => callId).values()) {
        const order = leg.map(({ n }) => n);
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
        );
      }
      assert.deepEqual(await loggedGaps(reading.eventLog), []);
    } finally {
      for (const { child } of replicas) {
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }
    }
  },
);

test(
  'S5: a beginning that waits for its account is not acknowledged, and goes to the next replica',
  LIMIT,
  async () => {
    const given = stage.ownSource({ holdMs: 60_000 });
    await using bus = await openPublisher(stage.rabbit.url);
    {
      await using first = await runKazoo(given);
      await isBound(first);
      await publishAll(bus, given.exchange, [
        kazooEvent('CHANNEL_CREATE', 'known@zone', 1),
        kazooEvent('CHANNEL_CREATE', 'held@zone', 2, { account: '' }),
        kazooEvent('DTMF', 'known@zone', 3),
      ]);
      await until('what has an account is in the log', () => first.appended.accepted === 2);
      await until(
        'the held one, and what came after it, are in hand',
        async () => (await stage.inQueue(given)) === '0,2',
      );
    }
    await until('the broker has them again', async () => (await stage.inQueue(given)) === '2,0');
    await using second = await runKazoo({ ...given, replica: 'b' });
    await isBound(second);
    await publishAll(bus, given.exchange, [kazooEvent('CHANNEL_ANSWER', 'held@zone', 4)]);
    await until('all are acknowledged', async () => (await stage.inQueue(given)) === '0,0');
    const found = await loggedEvents(second.eventLog);
    assert.deepEqual(
      found.filter(({ callId }) => callId === 'held@zone').map(({ name, account }) => [name, account]),
      [
        ['CHANNEL_CREATE', 'acme'],
        ['CHANNEL_ANSWER', 'acme'],
      ],
    );
    assert.equal(found.length, 4, 'what was redelivered is there once');
  },
);

test('a beginning that gets no account is given up after its wait, without another message', LIMIT, async () => {
  const given = stage.ownSource({ holdMs: 100 });
  await using running = await runKazoo(given);
  await isBound(running);
  await using bus = await openPublisher(stage.rabbit.url);
  await publishAll(bus, given.exchange, [kazooEvent('CHANNEL_CREATE', 'alone@zone', 1, { account: '' })]);
  await until('it is in the log', () => running.appended.accepted === 1);
  await until('it is acknowledged', async () => (await stage.inQueue(given)) === '0,0');
});

test(
  'while Redis is away nothing is acknowledged: the prefetch is in hand, the rest in the broker',
  LIMIT,
  async () => {
    const away = await startRedis({ args: ['--appendonly', 'yes'] });
    try {
      const given = stage.ownSource({ redisUrl: away.url, prefetch: 50 });
      await using running = await runKazoo(given);
      await isBound(running);
      await using bus = await openPublisher(stage.rabbit.url);
      await publishAll(bus, given.exchange, kazooCalls(10, 'before'));
      await until('the log has the first', () => running.appended.accepted === 100);
      await until('they are acknowledged', async () => (await stage.inQueue(given)) === '0,0');
      await away.kill();
      await publishAll(bus, given.exchange, kazooCalls(40, 'during'));
      await until('the prefetch is in hand', async () => (await stage.inQueue(given)) === '350,50');
      await until('the log refuses', () => running.appended.failed > 0);
      await away.restart();
      await until('all are acknowledged', async () => (await stage.inQueue(given)) === '0,0');
      const found = await loggedEvents(running.eventLog);
      assert.equal(found.length, 500);
      for (const leg of Map.groupBy(found, ({ callId }) => callId).values()) {
        const order = leg.map(({ n }) => n);
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
        );
      }
      assert.deepEqual(await loggedGaps(running.eventLog), []);
    } finally {
      await away.stop();
    }
  },
);

test(
  'a broker that waits for no acknowledgement any more gives the messages again once the log is back',
  LIMIT,
  async () => {
    const environment = (timeoutMs: number, tickMs: number) =>
      stage.rabbit.ctl(
        'eval',
        `application:set_env(rabbit, consumer_timeout, ${timeoutMs}), application:set_env(rabbit, channel_tick_interval, ${tickMs}).`,
      );
    await environment(1_000, 300);
    const away = await startRedis({ args: ['--appendonly', 'yes'] });
    try {
      const given = stage.ownSource({ redisUrl: away.url, prefetch: 50 });
      await using running = await runKazoo(given);
      await isBound(running);
      await until('the first look is settled', () => running.bus.reports()[0]?.heard !== null);
      await using bus = await openPublisher(stage.rabbit.url);
      await away.kill();
      await publishAll(bus, given.exchange, kazooCalls(20));
      await until('it is told', () => running.states.get('broker')?.reason === 'AckTimeout');
      await away.restart();
      await until('all are in the log', async () => (await loggedEvents(running.eventLog)).length === 200);
      for (const leg of Map.groupBy(await loggedEvents(running.eventLog), ({ callId }) => callId).values()) {
        const order = leg.map(({ n }) => n);
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
        );
      }
      assert.deepEqual(await loggedGaps(running.eventLog), []);
    } finally {
      await environment(1_800_000, 60_000);
      await away.stop();
    }
  },
);

test('what is not an event is acknowledged and counted', LIMIT, async () => {
  const given = stage.ownSource({ additionalEvents: ['CHANNEL_ODD'] });
  await using running = await runKazoo(given);
  await isBound(running);
  await using bus = await openPublisher(stage.rabbit.url);
  const key = 'call.CHANNEL_CREATE.x';
  await publishAll(bus, given.exchange, [
    { key, body: Buffer.from('{') },
    { key, body: Buffer.from([0xff, 0xfe]) },
    { key, body: Buffer.alloc(0) },
    { key, body: kazooEvent('CHANNEL_CREATE', 'big@zone', 1, { pad: 'x'.repeat(70_000) }).body },
    { key, body: kazooEvent('CHANNEL_ANSWER', 'x', 2).body },
    { key, body: kazooEvent('CHANNEL_CREATE', 'y', 3, { 'Event-Category': 'error' }).body },
    kazooEvent('CHANNEL_PIVOT', 'never-bound', 4),
    kazooEvent('CHANNEL_ODD', 'odd@zone', 5),
  ]);
  await until('the last one is in the log', () => running.appended.accepted === 1);
  await until('all are acknowledged', async () => (await stage.inQueue(given)) === '0,0');
  assert.deepEqual(running.dropped, ['rejected', 'rejected', 'rejected', 'rejected', 'key_mismatch', 'error_category']);
  assert.deepEqual(
    (await loggedEvents(running.eventLog)).map(({ name }) => name),
    ['CHANNEL_ODD'],
  );
});

test('several brokers are one source: what they share is in the log once', LIMIT, async () => {
  await stage.rabbit.ctl('add_vhost', 'other-zone');
  await stage.rabbit.ctl('set_permissions', '-p', 'other-zone', 'guest', '.*', '.*', '.*');
  const there = `${stage.rabbit.url}/other-zone`;
  const given = stage.ownSource({
    brokers: [
      { url: stage.rabbit.url, policy: null },
      { url: there, policy: null },
    ],
  });
  await using running = await runKazoo(given);
  await isBound(running);
  await using here = await openPublisher(stage.rabbit.url);
  await using far = await openPublisher(there);
  const shared = kazooEvent('CHANNEL_CREATE', 'shared@zone', 1);
  const federated = kazooEvent('CHANNEL_CREATE', 'shared@zone', 1, { Node: 'ecallmgr@other.example.com' });
  await publishAll(here, given.exchange, [shared, kazooEvent('CHANNEL_ANSWER', 'shared@zone', 2)]);
  await publishAll(far, given.exchange, [federated, kazooEvent('CHANNEL_CREATE', 'far@zone', 3)]);
  await until('all were appended', () => running.appended.accepted + running.appended.duplicate === 4);
  assert.deepEqual(
    (await loggedEvents(running.eventLog)).map(({ n }) => n).toSorted((a, b) => a - b),
    [1, 2, 3],
  );
  running.bus.setBrokers([]);
  await until('no broker is left', () => running.bus.figures().length === 0);
});
