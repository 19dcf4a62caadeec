/**
 * Events a second of a core from Kazoo's bus into the log: consumed, mapped, appended and acknowledged. Against a consumer of
 * the same messages that appends them as they come, 500 at once, without looking at any; and against a bare one, which
 * only acknowledges. By the processor time of this process.
 *   node source/kazoo/kazoo.bench.ts --amqp amqp://... --redis redis://... --events 20000
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect, type ConsumeMessage } from 'amqplib';
import { openRedisLog } from '../../event-log/redis-log.ts';
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
  },
});
const COUNT = Number(values.events);
const BATCH = 500;
const RUN = `bench${process.pid}`;
const QUEUE = { type: 'Quorum', maxLength: 10_000_000, messageTtlMs: 3_600_000, expiresMs: 3_600_000 } as const;
const FIXTURE = new URL('../../gateway/ingest/fixtures/derived-call-events.ndjson', import.meta.url);

interface Message {
  readonly key: string;
  readonly body: Buffer;
}

/** Real bodies, each leg another. */
function messages(): readonly Message[] {
  const lines = readFileSync(FIXTURE, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return Array.from({ length: COUNT }, (_, index) => {
    const round = Math.floor(index / lines.length);
    const text = (lines[index % lines.length] ?? '').replace(/"Call-ID":\s*"/, `"Call-ID":"${round}-`);
    const name = /"Event-Name":\s*"([^"]+)"/.exec(text)?.[1] ?? '';
    return { key: `call.${name}.${round}`, body: Buffer.from(text) };
  });
}

const wanted = kazooWanted({
  source: `bench/${RUN}`,
  exchange: RUN,
  declareExchange: true,
  queue: QUEUE,
  additionalEvents: [],
});

const admin = await connect(values.amqp);
const channel = await admin.createConfirmChannel();
await channel.assertExchange(RUN, 'topic', { durable: false, autoDelete: false });
const queues = [wanted.queue.name, `${wanted.queue.name}.bare`, `${wanted.queue.name}.direct`];
for (const name of queues) {
  await channel.assertQueue(name, queueOptions(wanted.queue));
  for (const key of wanted.keys) await channel.bindQueue(name, RUN, key);
}
let published = 0;
for (const { key, body } of messages()) {
  channel.publish(RUN, key, body, { deliveryMode: 1, contentType: 'application/json' });
  published += 1;
  if (published % 1_000 === 0) await channel.waitForConfirms();
}
await channel.waitForConfirms();

/** Events a second of processor time. */
async function measured(run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return Math.round(COUNT / ((user + system) / 1e6));
}

/** Takes all messages of a queue, at most 1,000 unacknowledged, and acknowledges what `use` has done, 500 at once. */
async function consumeAll(queue: string, use: (batch: readonly ConsumeMessage[]) => Promise<unknown>): Promise<void> {
  const connection = await connect(values.amqp);
  const reading = await connection.createChannel();
  await reading.prefetch(2 * BATCH);
  const done = Promise.withResolvers<void>();
  const finish = async (work: Promise<unknown>, last: ConsumeMessage, isLast: boolean) => {
    await work;
    reading.ack(last, true);
    if (isLast) done.resolve();
  };
  let batch: ConsumeMessage[] = [];
  let taken = 0;
  await reading.consume(queue, (message) => {
    if (message === null) return;
    taken += 1;
    batch.push(message);
    if (taken % BATCH !== 0 && taken !== COUNT) return;
    const [full, isLast] = [batch, taken === COUNT];
    batch = [];
    void finish(use(full), message, isLast);
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

async function direct(): Promise<void> {
  await using eventLog = await openLog();
  let count = 0;
  await consumeAll(`${wanted.queue.name}.direct`, (batch) =>
    eventLog.append(
      batch.map(({ content, fields }) => {
        count += 1;
        const [, name = '', callId = ''] = fields.routingKey.split('.');
        return { name, account: 'acme', callId, eventId: `direct.${count}`, traceparent: '', data: content };
      }),
    ),
  );
}

let appended = 0;
async function whole(): Promise<void> {
  await using eventLog = await openLog();
  const counted = { read: 0 };
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
    client: eventLog.client,
    keyPrefix: `${RUN}:`,
    observer: {
      connectEnded: () => undefined,
      eventRead: () => void (counted.read += 1),
      eventAppended: () => void (appended += 1),
      gapTold: () => undefined,
      stateChanged: () => undefined,
    },
  });
  // What was mapped and not dropped is in the log once nothing is in hand.
  while (counted.read < COUNT || bus.figures().some(({ kept }) => kept > 0)) await delay(5);
}

const bareRate = await measured(() => consumeAll(`${wanted.queue.name}.bare`, () => Promise.resolve()));
const directRate = await measured(direct);
const rate = await measured(whole);
for (const queue of queues) await channel.deleteQueue(queue);
await channel.deleteExchange(RUN);
await admin.close();
const ratio = (to: number) => Math.round((rate / to) * 100) / 100;
process.stdout.write(
  `${JSON.stringify({ events: COUNT, appended, bare: bareRate, direct: directRate, kazoo: rate, toBare: ratio(bareRate), toDirect: ratio(directRate) })}\n`,
);
