import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RABBIT_START, startRabbit, type RabbitServer } from '../../testing/rabbitmq-server.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { until } from '../../testing/until.ts';
import type { Wanted } from './bindings.ts';
import { Consumer, type ConsumerOptions, type ConsumerState } from './consumer.ts';
import type { Coverage, Look } from './look.ts';
import { bindingKeys } from './queue.ts';
import { openCoverage } from './testing/coverage.ts';
import { numbers, openPublisher, ownPlace, publishAll, TRANSIENT } from './testing/rabbit-bus.ts';

const LIMIT = { timeout: 240_000 };
const PROCESS = fileURLToPath(new URL('testing/consumer-process.ts', import.meta.url));
const KEYS = bindingKeys(['CHANNEL_CREATE', 'CHANNEL_DESTROY']);

let rabbit: RabbitServer;
let redis: RedisServer;
before(async () => {
  [rabbit, redis] = await Promise.all([startRabbit(), startRedis()]);
}, RABBIT_START);
after(async () => {
  await rabbit[Symbol.asyncDispose]();
  await redis.stop();
});

function wants(declare = true): Wanted {
  const { queue, exchange } = ownPlace();
  return { queue, exchange: { name: exchange, declare }, keys: KEYS };
}

interface Running extends AsyncDisposable {
  readonly consumer: Consumer;
  readonly taken: string[];
  readonly states: ConsumerState[];
  readonly looks: Look[];
}

type Given = Partial<Omit<ConsumerOptions, 'coverage'>> & {
  /** Runs before a look is recorded. */
  readonly beforeSettle?: () => Promise<unknown>;
};

function consume(wanted: Wanted, { beforeSettle, ...given }: Given = {}, url = rabbit.url): Running {
  const opened = openCoverage(redis.url, wanted);
  const stopping = new AbortController();
  const [taken, states, looks] = [[] as string[], [] as ConsumerState[], [] as Look[]];
  const coverage: Coverage = {
    markers: () => opened.coverage.markers(),
    announce: (markers, base, signal) => opened.coverage.announce(markers, base, signal),
    async settle(look, signal) {
      await beforeSettle?.();
      looks.push(look);
      return await opened.coverage.settle(look, signal);
    },
    forget: (markers) => opened.coverage.forget(markers),
  };
  const consumer: Consumer = new Consumer({
    broker: { url, policy: null },
    wanted,
    prefetch: 100,
    now: Date.now,
    onState: (state) => states.push(state),
    onWaiting: () => undefined,
    coverage,
    take: ({ number, body }) => {
      taken.push(body.toString());
      consumer.acknowledgeBelow(number + 1);
    },
    ...given,
  });
  const ended = consumer.run(stopping.signal);
  return {
    consumer,
    taken,
    states,
    looks,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await ended;
      await opened[Symbol.asyncDispose]();
    },
  };
}

const isBound = ({ states, looks }: Running) =>
  until('the consumer is bound', () => states.at(-1)?.bound === true && looks.length > 0);

const publisher = () => openPublisher(rabbit.url);

const send = (channel: { publish(...given: unknown[]): unknown }, wanted: Wanted, text: string) =>
  channel.publish(wanted.exchange.name, 'call.CHANNEL_CREATE.x', Buffer.from(text), TRANSIENT);

const messages = (from: number, to: number) =>
  numbers(from, to).map((number) => ({ key: 'call.CHANNEL_CREATE.x', body: Buffer.from(number) }));

test('S5: kill -9 of the active consumer loses nothing and keeps the order', LIMIT, async () => {
  const wanted = wants();
  const line = JSON.stringify({ broker: { url: rabbit.url, policy: null }, wanted, redisUrl: redis.url });
  const log: string[] = [];
  const start = () => {
    const child = spawn(process.execPath, [PROCESS, line], { stdio: ['ignore', 'pipe', 'inherit'] });
    const state = { child, bound: false, took: 0 };
    createInterface({ input: child.stdout }).on('line', (text) => {
      if (text === 'state true true') state.bound = true;
      if (!text.startsWith('took ')) return;
      state.took += 1;
      log.push(text.slice(5));
    });
    return state;
  };
  const [first, second] = [start(), start()];
  try {
    await until('both consumers are bound', () => first.bound && second.bound);
    await using bus = await publisher();
    for (const number of numbers(0, 3_000)) send(bus.channel, wanted, number);
    const active = await until('one of them takes messages', () => [first, second].find(({ took }) => took > 300));
    active.child.kill('SIGKILL');
    await until('the other has taken all that was left', () => new Set(log).size === 3_000);
    assert.deepEqual([...new Set(log)], numbers(0, 3_000), 'in order, each at least once');
  } finally {
    for (const { child } of [first, second]) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
  }
});

test('S5: what was given out 25 times, to consumers that ended with it in hand, is still there', LIMIT, async () => {
  const wanted = wants();
  await using bus = await publisher();
  {
    await using first = consume(wanted);
    await isBound(first);
  }
  await publishAll(bus, wanted.exchange.name, messages(0, 5));
  for (let round = 0; round < 25; round += 1) {
    await using victim = await publisher();
    let count = 0;
    await victim.channel.consume(wanted.queue.name, () => void (count += 1));
    await until('it has all in hand', () => count === 5);
  }
  await using running = consume(wanted);
  await until('the next one gets all', () => running.taken.length === 5);
  assert.deepEqual(running.taken, numbers(0, 5));
});

test('S5: nothing is acknowledged before it is reported, and no more than the prefetch is in hand', LIMIT, async () => {
  const wanted = wants();
  const held: string[] = [];
  await using running = consume(wanted, { prefetch: 10, take: ({ body }) => void held.push(body.toString()) });
  await isBound(running);
  await using bus = await publisher();
  for (const number of numbers(0, 50)) send(bus.channel, wanted, number);
  const unacknowledged = async () => {
    const listed = await rabbit.ctl('list_queues', 'name', 'messages_unacknowledged', 'messages');
    return listed
      .split('\n')
      .find((line) => line.startsWith(`${wanted.queue.name}\t`))
      ?.split('\t')
      .slice(1)
      .join();
  };
  await until('the prefetch is in hand', async () => (await unacknowledged()) === '10,50');
  await until('ten were taken', () => held.length === 10);
  running.consumer.acknowledgeBelow(6);
  await until('the first five are acknowledged', async () => (await unacknowledged()) === '10,45');
  await until('five more were taken', () => held.length === 15);
  await until('all are taken', () => {
    running.consumer.acknowledgeBelow(held.length + 1);
    return held.length === 50;
  });
  running.consumer.acknowledgeBelow(51);
  await until('all are acknowledged', async () => (await unacknowledged()) === '0,0');
  assert.deepEqual(held, numbers(0, 50));
});

test('the queue is served while the exchange is absent, and bound once it is there', LIMIT, async () => {
  const wanted = wants(false);
  await using running = consume(wanted);
  await until('the absence is told', () =>
    running.states.some(({ connected, reason }) => connected && reason === 'NoExchange'),
  );
  await using bus = await publisher();
  bus.channel.sendToQueue(wanted.queue.name, Buffer.from('waiting'), TRANSIENT);
  await until('what is in the queue comes', () => running.taken.includes('waiting'));
  await bus.channel.assertExchange(wanted.exchange.name, 'topic', { durable: false, autoDelete: false });
  await isBound(running);
  bus.channel.publish(wanted.exchange.name, 'call.CHANNEL_PIVOT.x', Buffer.from('unwanted'), TRANSIENT);
  bus.channel.publish(wanted.exchange.name, 'call.CHANNEL_DESTROY.a%2Eb', Buffer.from('wanted'), TRANSIENT);
  await until('a bound event comes', () => running.taken.includes('wanted'));
  assert.deepEqual(running.taken, ['waiting', 'wanted']);
});

test('S4: what may come after a loss waits until the loss is told', LIMIT, async () => {
  const wanted = wants();
  const told = Promise.withResolvers<void>();
  await using running = consume(wanted, { beforeSettle: () => told.promise });
  await until('the bindings stand', () => running.states.at(-1)?.bound === true);
  await using bus = await publisher();
  await publishAll(bus, wanted.exchange.name, messages(0, 20));
  await until('they are in hand', () => running.consumer.size === 20);
  assert.deepEqual(running.taken, []);
  told.resolve();
  await until('they are taken', () => running.taken.length === 20);
});

test('a queue that is deleted is made again, and its loss is told', LIMIT, async () => {
  const wanted = wants();
  await using running = consume(wanted);
  await isBound(running);
  const looks = running.looks.length;
  await using bus = await publisher();
  await bus.channel.deleteQueue(wanted.queue.name);
  await until('the loss is told', () => running.looks.slice(looks).some(({ lost }) => lost?.reason === 'queue_lost'));
  await until('the loss is over', () => running.states.at(-1)?.bound === true);
  send(bus.channel, wanted, 'again');
  await until('events come again', () => running.taken.includes('again'));
});

test('a connection that is cut, and a new process, lose nothing while the bindings stand', LIMIT, async () => {
  const wanted = wants();
  await using proxy = await startTcpProxy(rabbit.port);
  const url = `amqp://guest:guest@127.0.0.1:${proxy.port}`;
  await using bus = await publisher();
  {
    await using running = consume(wanted, {}, url);
    await isBound(running);
    assert.equal(running.looks[0]?.lost?.reason, 'queue_lost', 'there was none before');
    await until('a later look has found the bindings', () => running.looks.length > 1);
    proxy.cutAll();
    await until('the cut is seen', () => running.states.at(-1)?.connected === false);
    send(bus.channel, wanted, 'during');
    await until('what came during the cut is taken', () => running.taken.includes('during'));
    assert.deepEqual(
      running.looks.slice(1).filter(({ lost }) => lost !== null),
      [],
    );
  }
  send(bus.channel, wanted, 'between');
  await using next = consume(wanted);
  await until('what came between the processes is taken', () => next.taken.includes('between'));
  assert.equal(next.looks[0]?.lost, null);
});

test('an exchange that is deleted and made again is a loss, whichever replica tells it', LIMIT, async () => {
  const wanted = wants(false);
  await using bus = await publisher();
  await bus.channel.assertExchange(wanted.exchange.name, 'topic', { durable: false, autoDelete: false });
  await using running = consume(wanted);
  await isBound(running);
  const looks = running.looks.length;
  await bus.channel.deleteExchange(wanted.exchange.name);
  await until('the absence is seen', () => running.states.at(-1)?.reason === 'NoExchange');
  await bus.channel.assertExchange(wanted.exchange.name, 'topic', { durable: false, autoDelete: false });
  await using other = consume(wanted);
  await isBound(other);
  await until('it is told', () =>
    [...running.looks.slice(looks), ...other.looks].some(({ lost }) => lost?.reason === 'bindings_lost'),
  );
});

test('least privilege suffices, and what is refused has a reason of its own', LIMIT, async () => {
  const wanted = wants(false);
  await using bus = await publisher();
  await bus.channel.assertExchange(wanted.exchange.name, 'topic', { durable: false, autoDelete: false });
  const user = async (name: string, read: string) => {
    await rabbit.ctl('add_user', name, 'sécret:/@#%');
    await rabbit.ctl('set_permissions', name, '^firehose\\.', '^firehose\\.', read);
    return `amqp://${name}:${encodeURIComponent('sécret:/@#%')}@127.0.0.1:${rabbit.port}`;
  };
  const least = await user('least', '^(callevt.*|firehose\\..*)$');
  {
    await using running = consume(wanted, {}, least);
    await isBound(running);
    send(bus.channel, wanted, 'read');
    await until('events come', () => running.taken.includes('read'));
    await bus.channel.deleteQueue(wanted.queue.name);
    await until('the loss is told', () => running.looks.some(({ lost, verifiedAt }) => lost !== null && verifiedAt));
  }
  const reasonOf = async (url: string, other: Partial<Wanted> = {}, options: Given = {}) => {
    await using running = consume({ ...wanted, ...other }, options, url);
    const state = await until('a reason is told', () => running.states.find(({ reason }) => reason !== null));
    return state.reason;
  };
  const place = `127.0.0.1:${rabbit.port}`;
  assert.equal(await reasonOf(await user('blind', '^firehose\\.')), 'AccessRefused');
  assert.equal(await reasonOf(least, { exchange: { ...wanted.exchange, declare: true } }), 'AccessRefused');
  assert.equal(await reasonOf(least, { queue: { ...wanted.queue, maxLength: 7 } }), 'QueueArguments');
  assert.equal(await reasonOf(`amqp://least:wrong@${place}`), 'Credentials');
  assert.equal(await reasonOf(`${least}/no-such-host`), 'Credentials');
  assert.equal(await reasonOf('amqp://least:secret@127.0.0.1:1'), 'Unreachable');
  const broker = { url: rabbit.url, policy: { allowLoopback: false } };
  assert.equal(await reasonOf(rabbit.url, {}, { broker }), 'AccessRefused');
  const named = { url: `amqp://guest:guest@localhost:${rabbit.port}`, policy: { allowLoopback: false } };
  assert.equal(await reasonOf(rabbit.url, {}, { broker: named }), 'AccessRefused');
});

test('a broker that stops loses nothing of the quorum queue, and its loss of bindings is told', LIMIT, async () => {
  const wanted = wants();
  const taken: string[] = [];
  let last = 0;
  await using running = consume(wanted, {
    prefetch: 10,
    take: ({ number, body }) => {
      taken.push(body.toString());
      last = number;
    },
  });
  await isBound(running);
  const looks = running.looks.length;
  {
    await using bus = await publisher();
    await publishAll(bus, wanted.exchange.name, messages(0, 500));
  }
  await rabbit.ctl('stop_app');
  await until('the loss is seen', () => running.states.at(-1)?.connected === false);
  await rabbit.ctl('start_app');
  await until('all that waited has come', () => {
    running.consumer.acknowledgeBelow(last + 1);
    return new Set(taken).size === 500;
  });
  assert.deepEqual([...new Set(taken)], numbers(0, 500));
  await until('it is told', () => running.looks.slice(looks).some(({ lost }) => lost?.reason === 'bindings_lost'));
});
