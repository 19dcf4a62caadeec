import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { openRedisLog } from '../../event-log/redis-log.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { startRabbit, type RabbitServer } from '../../testing/rabbitmq-server.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { openBus } from '../amqp/bus.ts';
import { openPublisher, publishAll, QUEUE } from '../amqp/testing/rabbit-bus.ts';
import { readCaptureLine } from '../capture/read-line.ts';
import { loggedEvents } from '../kazoo/testing/log-of.ts';
import { defaultMappingOptions } from '../mapping-options.ts';
import { mapAll, recording } from '../testing/recordings.ts';
import { createModAmqpMapper, MOD_AMQP_EXCHANGE, modAmqpWanted } from './freeswitch-bus.ts';

const LIMIT = { timeout: 120_000 };
const RECORDINGS = [
  'answered_caller_hangs_up',
  'blind_transfer_refer',
  'hold_unhold',
  'park_and_retrieve',
  'rejected_busy',
];

let rabbit: RabbitServer;
let redis: RedisServer;
before(async () => {
  [rabbit, redis] = await Promise.all([startRabbit(), startRedis()]);
}, LIMIT);
after(async () => {
  await rabbit[Symbol.asyncDispose]();
  await redis.stop();
});

/** The messages as mod_amqp published them. */
function published(name: string) {
  const file = new URL(`../fixtures/recordings/freeswitch-1.11/mod_amqp/${name}.ndjson`, import.meta.url);
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const read = readCaptureLine(Buffer.from(line));
      return read.kind === 'event'
        ? [{ key: read.routingKey ?? '', body: Buffer.from(JSON.stringify(read.event)) }]
        : [];
    });
}

test('what mod_amqp publishes is in the log as the event socket’s would be', LIMIT, async () => {
  const options = { ...defaultMappingOptions(), park: 'Valet', holdMs: 0 } as const;
  await using eventLog = await openRedisLog({
    redis: redis.url,
    keyPrefix: 'tap:',
    partitions: 1,
    resource: null,
    retention: null,
    logger: silentLogger,
  });
  await using publisher = await openPublisher(rabbit.url);
  await publisher.channel.assertExchange(MOD_AMQP_EXCHANGE, 'topic', { durable: true });
  const dropped: string[] = [];
  await using bus = openBus({
    source: 'telephony/tap',
    replica: 'a',
    brokers: [{ name: 'broker', broker: { url: rabbit.url, policy: null } }],
    wanted: modAmqpWanted('telephony/tap', MOD_AMQP_EXCHANGE, QUEUE),
    prefetch: 100,
    mapper: () => createModAmqpMapper(options),
    holdMs: options.holdMs,
    eventLog,
    client: eventLog.client,
    keyPrefix: 'tap:',
    observer: {
      connectEnded: () => undefined,
      eventRead: (_, outcome, reason) => void (outcome === 'malformed' && dropped.push(reason)),
      eventAppended: () => undefined,
      gapTold: () => undefined,
      stateChanged: () => undefined,
    },
  });
  await until('the bindings stand', () => bus.reports()[0]?.bound === true && bus.reports()[0]?.heard !== null);
  await publishAll(publisher, MOD_AMQP_EXCHANGE, [{ key: 'FreeSWITCH.odd', body: Buffer.from('{') }]);
  const expected: string[] = [];
  const mapper = recording('freeswitch-1.11/mod_amqp/hold_unhold').mapper({ holdMs: 0 });
  for (const name of RECORDINGS) {
    await publishAll(publisher, MOD_AMQP_EXCHANGE, published(name));
    expected.push(...mapAll(mapper, recording(`freeswitch-1.11/mod_amqp/${name}`).events).map(({ json }) => json));
  }
  await until('all are in the log', async () => (await loggedEvents(eventLog)).length, {
    holds: (count) => count >= expected.length,
  });
  assert.deepEqual(
    (await loggedEvents(eventLog)).map(({ json }) => json),
    expected,
  );
  assert.deepEqual(dropped, ['malformed']);
  const queue = async () => (await publisher.channel.checkQueue('firehose.telephony.tap')).messageCount;
  await until('all are acknowledged', async () => (await queue()) === 0);
  assert.equal(bus.figures()[0]?.liveLegs, 0);
});
