import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect, type Channel, type ChannelModel } from 'amqplib';
import { startRabbit, type RabbitServer } from '../../testing/rabbitmq-server.ts';
import { until } from '../../testing/until.ts';
import { runConsumer, type BusGap, type ConsumerOptions, type ConsumerState } from './consumer.ts';
import { bindingKeys, type QueueSpec } from './queue.ts';

const LIMIT = { timeout: 110_000 };
const PROCESS = fileURLToPath(new URL('testing/consumer-process.ts', import.meta.url));
const BINDINGS = bindingKeys(['CHANNEL_CREATE', 'CHANNEL_DESTROY']);
/** As Kazoo publishes: transient. */
const TRANSIENT = { deliveryMode: 1, contentType: 'application/json' };

let rabbit: RabbitServer;
before(async () => {
  rabbit = await startRabbit();
}, LIMIT);
after(() => rabbit[Symbol.asyncDispose]());

let names = 0;
function spec(): { queue: QueueSpec; exchange: { name: string; declare: boolean } } {
  names += 1;
  const queue = { type: 'Quorum', maxLength: 50_000, messageTtlMs: 600_000, expiresMs: 600_000 } as const;
  return {
    queue: { ...queue, name: `firehose.test.q${names}` },
    exchange: { name: `callevt${names}`, declare: true },
  };
}

interface Running extends AsyncDisposable {
  readonly taken: string[];
  readonly states: ConsumerState[];
  readonly gaps: BusGap[];
}

function consume(given: Partial<ConsumerOptions> & ReturnType<typeof spec>): Running {
  const stopping = new AbortController();
  const [taken, states, gaps] = [[] as string[], [] as ConsumerState[], [] as BusGap[]];
  const ended = runConsumer(
    {
      url: rabbit.url,
      bindings: BINDINGS,
      prefetch: 100,
      now: Date.now,
      onState: (state) => states.push(state),
      onGap: (gap) => gaps.push(gap),
      take: (deliveries) => {
        taken.push(...deliveries.map(({ body }) => body.toString()));
        return Promise.resolve(true);
      },
      ...given,
    },
    stopping.signal,
  );
  return {
    taken,
    states,
    gaps,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await ended;
    },
  };
}

const isBound = ({ states }: Running) => until('the consumer is bound', () => states.at(-1)?.bound === true);

async function publisher(url = rabbit.url): Promise<{ channel: Channel; connection: ChannelModel } & AsyncDisposable> {
  const connection = await connect(url);
  connection.on('error', () => undefined);
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  return { channel, connection, [Symbol.asyncDispose]: () => connection.close().catch(() => undefined) };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => String(from + index));

test('S5: kill -9 of the active consumer loses nothing and keeps the order', LIMIT, async () => {
  const { queue, exchange } = spec();
  const line = JSON.stringify({ url: rabbit.url, queue, exchange, bindings: BINDINGS });
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
    for (const number of numbers(0, 3_000)) {
      bus.channel.publish(exchange.name, 'call.CHANNEL_CREATE.x', Buffer.from(number), TRANSIENT);
    }
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

test('S5: nothing is acknowledged before it was taken, and no more than the prefetch is in hand', LIMIT, async () => {
  const given = spec();
  const gate = Promise.withResolvers<void>();
  const held: string[] = [];
  await using running = consume({
    ...given,
    prefetch: 10,
    take: async (deliveries) => {
      held.push(...deliveries.map(({ body }) => body.toString()));
      await gate.promise;
      return true;
    },
  });
  await isBound(running);
  await using bus = await publisher();
  for (const number of numbers(0, 50)) {
    bus.channel.publish(given.exchange.name, 'call.CHANNEL_CREATE.x', Buffer.from(number), TRANSIENT);
  }
  const unacknowledged = async () => {
    const listed = await rabbit.ctl('list_queues', 'name', 'messages_unacknowledged', 'messages');
    return listed
      .split('\n')
      .find((line) => line.startsWith(given.queue.name))
      ?.split('\t')
      .slice(1)
      .join();
  };
  await until('the prefetch is in hand', async () => (await unacknowledged()) === '10,50');
  assert.ok(held.length <= 10);
  gate.resolve();
  await until('all are taken', () => held.length === 50);
  await until('all are acknowledged', async () => (await unacknowledged()) === '0,0');
});

test('the queue is served while the exchange is absent, and bound once it is there', LIMIT, async () => {
  const given = spec();
  await using running = consume({ ...given, exchange: { ...given.exchange, declare: false } });
  await until('the absence is told', () =>
    running.states.some(({ connected, reason }) => connected && reason === 'NoExchange'),
  );
  await using bus = await publisher();
  bus.channel.sendToQueue(given.queue.name, Buffer.from('waiting'), TRANSIENT);
  await until('what is in the queue comes', () => running.taken.includes('waiting'));
  await bus.channel.assertExchange(given.exchange.name, 'topic', { durable: false, autoDelete: false });
  await isBound(running);
  bus.channel.publish(given.exchange.name, 'call.CHANNEL_PIVOT.x', Buffer.from('unwanted'), TRANSIENT);
  bus.channel.publish(given.exchange.name, 'call.CHANNEL_DESTROY.a%2Eb', Buffer.from('wanted'), TRANSIENT);
  await until('a bound event comes', () => running.taken.includes('wanted'));
  assert.deepEqual(running.taken, ['waiting', 'wanted']);
  assert.deepEqual(running.gaps, []);
});

test('a queue that is deleted is made again, and the time without it is a gap', LIMIT, async () => {
  const given = spec();
  await using running = consume(given);
  await isBound(running);
  await using bus = await publisher();
  await bus.channel.deleteQueue(given.queue.name);
  await until('the gap is told', () => running.gaps.length > 0);
  assert.equal(running.gaps[0]?.reason, 'queue_lost');
  assert.ok((running.gaps[0]?.from ?? 0) <= (running.gaps[0]?.to ?? 0));
  bus.channel.publish(given.exchange.name, 'call.CHANNEL_CREATE.x', Buffer.from('again'), TRANSIENT);
  await until('events come again', () => running.taken.includes('again'));
});

test('least privilege suffices, and what is refused has a reason of its own', LIMIT, async () => {
  const given = spec();
  await using bus = await publisher();
  await bus.channel.assertExchange(given.exchange.name, 'topic', { durable: false, autoDelete: false });
  const user = async (name: string, read: string) => {
    await rabbit.ctl('add_user', name, 'secret-of-the-user');
    await rabbit.ctl('set_permissions', name, '^firehose\\.', '^firehose\\.', read);
    return `amqp://${name}:secret-of-the-user@127.0.0.1:${rabbit.port}`;
  };
  const exchange = { ...given.exchange, declare: false };
  {
    await using running = consume({ ...given, exchange, url: await user('least', '^(callevt.*|firehose\\..*)$') });
    await isBound(running);
    bus.channel.publish(exchange.name, 'call.CHANNEL_CREATE.x', Buffer.from('read'), TRANSIENT);
    await until('events come', () => running.taken.includes('read'));
  }
  const reasonOf = async (options: Partial<ConsumerOptions>) => {
    await using running = consume({ ...given, exchange, ...options });
    const state = await until('a reason is told', () => running.states.find(({ reason }) => reason !== null));
    return state.reason;
  };
  assert.equal(await reasonOf({ url: await user('blind', '^firehose\\.') }), 'AccessRefused');
  assert.equal(await reasonOf({ queue: { ...given.queue, maxLength: 7 } }), 'QueueArguments');
  assert.equal(await reasonOf({ url: `amqp://least:wrong@127.0.0.1:${rabbit.port}` }), 'Credentials');
  assert.equal(await reasonOf({ url: 'amqp://least:secret@127.0.0.1:1' }), 'Unreachable');
});

test(
  'a broker that stops loses nothing of the quorum queue, and the time without bindings is a gap',
  LIMIT,
  async () => {
    const given = spec();
    const gate = Promise.withResolvers<void>();
    const taken: string[] = [];
    await using running = consume({
      ...given,
      prefetch: 10,
      take: async (deliveries) => {
        await gate.promise;
        taken.push(...deliveries.map(({ body }) => body.toString()));
        return true;
      },
    });
    await isBound(running);
    {
      await using bus = await publisher();
      const confirmed = await bus.connection.createConfirmChannel();
      for (const number of numbers(0, 500)) {
        confirmed.publish(given.exchange.name, 'call.CHANNEL_CREATE.x', Buffer.from(number), TRANSIENT);
      }
      await confirmed.waitForConfirms();
    }
    await rabbit.ctl('stop_app');
    await until('the loss is seen', () => running.states.at(-1)?.connected === false);
    gate.resolve();
    await rabbit.ctl('start_app');
    await until('all that waited has come', () => ({ taken: new Set(taken).size, states: running.states.slice(-3) }), {
      holds: (seen) => seen.taken === 500,
      limitMs: 60_000,
    });
    assert.deepEqual([...new Set(taken)], numbers(0, 500));
    await until('the gap is told', () => running.gaps.length > 0);
    assert.equal(running.gaps[0]?.reason, 'bindings_lost');
  },
);
