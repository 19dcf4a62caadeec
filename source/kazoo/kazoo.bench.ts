/**
 * CPU cost of a message of Kazoo's bus, against consumers of the same messages with the same prefetch. `ours` is
 * connection and mapper, with a log that accepts everything at once. `bare` parses and acknowledges. `whole` writes
 * into a real log. `appending` appends messages as they come, 500 at once, without reading any. `acknowledging` only
 * acknowledges.
 *   node source/kazoo/kazoo.bench.ts --amqp amqp://... --redis redis://... --events 20000 --rounds 3
 * Prints a line for each round. A warm-up before the first round compiles the code.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect, type ConsumeMessage } from 'amqplib';
import { openRedisLog, type RedisLog } from '../../event-log/redis-log.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { openBus } from '../amqp/bus.ts';
import { queueOptions } from '../amqp/queue.ts';
import { defaultMappingOptions } from '../mapping-options.ts';
import { kazooWanted } from './kazoo-bus.ts';
import { createKazooMapper } from './kazoo-mapper.ts';

const { values } = parseArgs({
  options: {
    amqp: { type: 'string', default: 'amqp://guest:guest@127.0.0.1:5672' },
    redis: { type: 'string', default: 'redis://127.0.0.1:6379' },
    events: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
  },
});
const COUNT = Number(values.events);
const BATCH = 500;
const RUN = `bench${process.pid}`;
const QUEUE = { type: 'Quorum', maxLength: 10_000_000, messageTtlMs: 3_600_000, expiresMs: 3_600_000 } as const;
const FIXTURE = new URL('../../gateway/ingest/fixtures/derived-call-events.ndjson', import.meta.url);
const LINES = readFileSync(FIXTURE, 'utf8')
  .split('\n')
  .filter((line) => line !== '');

const wanted = kazooWanted({
  source: `bench/${RUN}`,
  exchange: RUN,
  declareExchange: true,
  queue: QUEUE,
  additionalEvents: [],
});
const queue = wanted.queue.name;

const admin = await connect(values.amqp);
const channel = await admin.createConfirmChannel();
await channel.assertExchange(RUN, 'topic', { durable: false, autoDelete: false });
await channel.assertQueue(queue, queueOptions(wanted.queue));
for (const key of wanted.keys) await channel.bindQueue(queue, RUN, key);

/**
 * Fills the queue with real bodies, each leg different, independent of earlier rounds. They contain an account, as Kazoo's
 * do: a CREATE without one waits, and holds up the acknowledgements.
 */
async function publish(pass: string): Promise<void> {
  for (let index = 0; index < COUNT; index += 1) {
    const leg = `${pass}-${Math.floor(index / LINES.length)}`;
    const text = (LINES[index % LINES.length] ?? '')
      .replace(/"Call-ID":\s*"/, `"Call-ID":"${leg}-`)
      .replace(/"Custom-Channel-Vars":\s*\{/, '$&"Account-ID":"91eb05e5c68d7ca05e7618b6821d2d16",');
    const name = /"Event-Name":\s*"([^"]+)"/.exec(text)?.[1] ?? '';
    channel.publish(RUN, `call.${name}.${leg}`, Buffer.from(text), {
      deliveryMode: 1,
      contentType: 'application/json',
    });
    if (index % 1_000 === 999) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
}

/** Consumes all messages, at most 1,000 unacknowledged, and acknowledges 500 at once after `use`. */
async function consumeAll(use: (batch: readonly ConsumeMessage[]) => Promise<unknown>): Promise<void> {
  const connection = await connect(values.amqp);
  const reading = await connection.createChannel();
  await reading.prefetch(2 * BATCH);
  const done = Promise.withResolvers<void>();
  let batch: ConsumeMessage[] = [];
  let [taken, finished] = [0, 0];
  const finish = async (work: Promise<unknown>, count: number, last: ConsumeMessage) => {
    await work;
    reading.ack(last, true);
    finished += count;
    if (finished === COUNT) done.resolve();
  };
  await reading.consume(queue, (message) => {
    if (message === null) return;
    taken += 1;
    batch.push(message);
    if (taken % BATCH !== 0 && taken !== COUNT) return;
    const full = batch;
    batch = [];
    void finish(use(full), full.length, message);
  });
  await done.promise;
  await connection.close();
}

const openLog = () =>
  openRedisLog({
    redis: values.redis,
    keyPrefix: `${RUN}:`,
    partitions: 4,
    resource: null,
    retention: null,
    logger: silentLogger,
  });

async function direct(pass: string): Promise<void> {
  await using eventLog = await openLog();
  let count = 0;
  await consumeAll((batch) =>
    eventLog.append(
      batch.map(({ content, fields }) => {
        count += 1;
        const [, name = '', callId = ''] = fields.routingKey.split('.');
        return { name, account: 'acme', callId, eventId: `${pass}.${count}`, traceparent: '', data: content };
      }),
    ),
  );
}

async function whole(): Promise<void> {
  await using eventLog = await openLog();
  await consumeBus(eventLog, eventLog.client);
}

async function mapped(): Promise<void> {
  await using place = await openLog();
  const taken = { outcome: 'accepted', partition: 0, id: '1-0' } as const;
  const append = (events: readonly unknown[]) => Promise.resolve(events.map(() => taken));
  await consumeBus({ append, partitions: 4 }, place.client);
}

async function consumeBus(
  eventLog: Pick<RedisLog, 'append' | 'partitions'>,
  client: RedisLog['client'],
): Promise<void> {
  const counted = { read: 0, appended: 0 };
  const mapping = defaultMappingOptions();
  await using bus = openBus({
    source: `bench/${RUN}`,
    replica: 'bench',
    brokers: [{ name: 'broker', broker: { url: values.amqp, policy: null } }],
    wanted,
    prefetch: 1_000,
    mapper: () => createKazooMapper(mapping),
    holdMs: mapping.holdMs,
    eventLog,
    client,
    keyPrefix: `${RUN}:`,
    observer: {
      connectEnded: () => undefined,
      eventRead: () => void (counted.read += 1),
      eventAppended: (_, __, outcome) => void (counted.appended += outcome === 'accepted' ? 1 : 0),
      gapTold: () => undefined,
      stateChanged: () => undefined,
    },
  });
  // When no message is unacknowledged, the log has everything that was mapped and not dropped.
  while (counted.read < COUNT || bus.figures().some(({ kept }) => kept > 0)) await delay(20);
  if (counted.appended !== COUNT) throw new Error(`${counted.appended} of ${COUNT} events are in the log`);
}

function parse(batch: readonly ConsumeMessage[]): Promise<void> {
  for (const { content } of batch) JSON.parse(content.toString());
  return Promise.resolve();
}

/** Events for each second of CPU time. */
async function measured(pass: string, run: (pass: string) => Promise<void>): Promise<number> {
  // Acknowledgements at the end of a connection may be lost: its last messages would be redelivered.
  await channel.purgeQueue(queue);
  await publish(pass);
  const before = process.cpuUsage();
  await run(pass);
  const { user, system } = process.cpuUsage(before);
  return Math.round(COUNT / ((user + system) / 1e6));
}

for (let round = 0; round <= Number(values.rounds); round += 1) {
  const ours = await measured(`ours${round}`, mapped);
  const bare = await measured(`bare${round}`, () => consumeAll(parse));
  const all = await measured(`whole${round}`, whole);
  const appending = await measured(`direct${round}`, direct);
  const acknowledging = await measured(`bare${round}`, () => consumeAll(() => Promise.resolve()));
  if (round > 0) process.stdout.write(`${JSON.stringify({ ours, bare, whole: all, appending, acknowledging })}\n`);
}
await channel.deleteQueue(queue);
await channel.deleteExchange(RUN);
await admin.close();
process.stdout.write('done\n');
