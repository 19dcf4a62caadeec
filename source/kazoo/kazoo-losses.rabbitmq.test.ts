import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { openPublisher, publishAll } from '../amqp/testing/rabbit-bus.ts';
import { runKazoo, type RunningKazoo } from './testing/kazoo-bus.ts';
import { kazooCalls } from './testing/kazoo-events.ts';
import { isBound, startKazooStage, type KazooStage } from './testing/kazoo-stage.ts';
import { logged, loggedEvents, loggedGaps } from './testing/log-of.ts';
import { RABBIT_START } from '../../testing/rabbitmq-server.ts';

const LIMIT = { timeout: 180_000 };

let stage: KazooStage;
before(async () => {
  stage = await startKazooStage();
}, RABBIT_START);
after(() => stage[Symbol.asyncDispose]());

test('a queue that was full while the log was away is a gap', LIMIT, async () => {
  const away = await startRedis({ args: ['--appendonly', 'yes'] });
  try {
    const given = stage.ownSource({ redisUrl: away.url, prefetch: 10, queue: { maxLength: 100 } });
    await using running = await runKazoo(given);
    await isBound(running);
    await until('the first look is settled', () => running.bus.reports()[0]?.heard !== null);
    await away.kill();
    const cut = Date.now();
    await using bus = await openPublisher(stage.rabbit.url);
    await publishAll(bus, given.exchange, kazooCalls(40));
    await until('the full queue is seen', () => (running.bus.figures()[0]?.backlog ?? 0) >= 90);
    await away.restart();
    await until('the gap is in the log', async () => (await loggedGaps(running.eventLog)).length > 0);
    const [gap] = await loggedGaps(running.eventLog);
    assert.equal(gap?.reason, 'queue_overflow');
    assert.ok(gap.from <= cut && gap.to > cut);
    await until('what was left is in the log', async () => (await stage.inQueue(given)) === '0,0');
    assert.ok((await loggedEvents(running.eventLog)).length < 400, 'the oldest that waited are lost');
  } finally {
    await away.stop();
  }
});

test('messages that the broker drops as too old, while the log is away, are a gap', LIMIT, async () => {
  const away = await startRedis({ args: ['--appendonly', 'yes'] });
  try {
    const given = stage.ownSource({ redisUrl: away.url, prefetch: 10, queue: { messageTtlMs: 1_000 } });
    await using running = await runKazoo(given);
    await isBound(running);
    await until('the first look is settled', () => running.bus.reports()[0]?.heard !== null);
    const listed = await stage.rabbit.ctl('list_queues', 'name', 'arguments');
    const declared = listed.split('\n').find((line) => line.startsWith(`firehose.${given.source.replace('/', '.')}\t`));
    const args = ['x-message-ttl",1000', 'x-max-length",50000', 'x-expires",600000', 'x-single-active-consumer",true'];
    for (const argument of [...args, 'x-queue-type","quorum"']) {
      assert.ok(declared?.includes(`{"${argument}}`), `${argument} of ${declared}`);
    }
    await away.kill();
    await using bus = await openPublisher(stage.rabbit.url);
    await publishAll(bus, given.exchange, kazooCalls(10));
    await until('what waited too long is dropped', async () => (await stage.inQueue(given)) === '0,10');
    await away.restart();
    await until('the gap is in the log', async () => (await loggedGaps(running.eventLog)).length > 0);
    assert.equal((await loggedGaps(running.eventLog))[0]?.reason, 'queue_overflow');
  } finally {
    await away.stop();
  }
});

test(
  'S4: a broker that is killed loses nothing of the queue; the loss of bindings is one gap, before what is newer',
  LIMIT,
  async () => {
    const given = stage.ownSource();
    await using first = await runKazoo(given);
    await using second = await runKazoo({ ...given, replica: 'b' });
    await Promise.all([isBound(first), isBound(second)]);
    {
      await using bus = await openPublisher(stage.rabbit.url);
      await publishAll(bus, given.exchange, kazooCalls(50, 'before'));
    }
    // RabbitMQ 3.10 never finds a leader again for a quorum queue if it is killed within a second of the declaration.
    await until('a later look has found the bindings', () => {
      const heard = first.bus.reports()[0]?.heard ?? null;
      return heard !== null && heard.to > heard.from;
    });
    const cut = Date.now();
    await stage.rabbit.kill();
    await until('both have seen it', () =>
      [first, second].every(({ states }) => states.get('broker')?.connected === false),
    );
    await stage.rabbit.restart();
    await Promise.all([isBound(first), isBound(second)]);
    await using bus = await openPublisher(stage.rabbit.url);
    await publishAll(bus, given.exchange, kazooCalls(50, 'after'));
    await until('all are in the log', async () => (await loggedEvents(first.eventLog)).length === 1_000);
    const gaps = await loggedGaps(first.eventLog);
    assert.deepEqual(
      gaps.map(({ reason, endpoint, source }) => [reason, endpoint, source]),
      [['bindings_lost', 'broker', given.source]],
    );
    const [gap] = gaps;
    assert.ok(gap !== undefined && gap.from <= cut && gap.to > cut, 'it covers the loss');
    assert.equal(first.gaps.length + second.gaps.length, 1, 'one replica has told it');
    const entries = await logged(first.eventLog);
    const place = entries.findIndex((entry) => entry.gap !== null);
    assert.equal(entries[place]?.account, '', 'it reaches no tenant by its account');
    const newer = entries
      .slice(0, place)
      .filter(({ callId, partition }) => partition === entries[place]?.partition && callId.startsWith('after'));
    assert.deepEqual(newer, [], 'nothing newer is before it in its partition');
  },
);

test(
  'S4: a queue that is deleted again and again is one gap each time, however many replicas see it',
  LIMIT,
  async () => {
    const given = stage.ownSource();
    await using first = await runKazoo(given);
    await using second = await runKazoo({ ...given, replica: 'b' });
    await Promise.all([isBound(first), isBound(second)]);
    await using bus = await openPublisher(stage.rabbit.url);
    for (let round = 1; round <= 5; round += 1) {
      await bus.channel.deleteQueue(`firehose.${given.source.replace('/', '.')}`);
      await until('a gap is told', () => first.gaps.length + second.gaps.length >= round);
      const end = Math.max(...(await loggedGaps(first.eventLog)).map(({ to }) => to));
      const hasLooked = (replica: RunningKazoo) => (replica.bus.reports()[0]?.heard?.to ?? 0) > end;
      await until('both have looked since', () => [first, second].every(hasLooked));
      await publishAll(bus, given.exchange, kazooCalls(5, `round${round}`));
      await until('events come again', async () => (await loggedEvents(first.eventLog)).length === round * 50);
      const told = (await loggedGaps(first.eventLog)).map(({ reason }) => reason);
      assert.deepEqual(
        told,
        Array.from({ length: round }, () => 'queue_lost'),
      );
    }
  },
);

test('two sources on one exchange do not touch each other', LIMIT, async () => {
  const one = stage.ownSource();
  const other = { ...stage.ownSource(), exchange: one.exchange };
  await using first = await runKazoo(one);
  await using second = await runKazoo(other);
  await Promise.all([isBound(first), isBound(second)]);
  await using bus = await openPublisher(stage.rabbit.url);
  await publishAll(bus, one.exchange, kazooCalls(5));
  await until('both have all', () => first.appended.accepted === 50 && second.appended.accepted === 50);
  await bus.channel.deleteQueue(`firehose.${one.source.replace('/', '.')}`);
  await until('the one tells its gap', () => first.gaps.length === 1);
  await isBound(first);
  assert.deepEqual(second.gaps, []);
  assert.deepEqual(await loggedGaps(second.eventLog), []);
});
