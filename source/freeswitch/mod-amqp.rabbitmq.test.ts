import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openRedisLog } from '../../event-log/redis-log.ts';
import { switchPseudonym } from '../../event-log/switch-pseudonym.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { RABBIT_START, startRabbit, type RabbitServer } from '../../testing/rabbitmq-server.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { openBus } from '../amqp/bus.ts';
import { openPublisher, publishAll, QUEUE } from '../amqp/testing/rabbit-bus.ts';
import { readCaptureLine } from '../capture/read-line.ts';
import { loggedEvents, loggedGaps } from '../kazoo/testing/log-of.ts';
import { defaultMappingOptions } from '../mapping-options.ts';
import { runFirstTry } from '../testing/first-try.ts';
import { mapAll, recording } from '../testing/recordings.ts';
import { createModAmqpMapper, modAmqpWanted } from './freeswitch-bus.ts';
import { subscribedEvents } from './subscription.ts';

const LIMIT = { timeout: 120_000 };
const THIS = 'source/freeswitch/mod-amqp.rabbitmq.test.ts';
const BROKER_PASSWORD = 'canary-of-the-broker';
/** mod_amqp's default: durable, of type topic. */
const MOD_AMQP_EXCHANGE = 'TAP.Events';
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
}, RABBIT_START);
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

test('the five commands of docs/sources.md bring what mod_amqp publishes into the log', LIMIT, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-first-try-'));
  try {
    await using away = await startRedis();
    await using publisher = await openPublisher(rabbit.url);
    await publisher.channel.assertExchange(MOD_AMQP_EXCHANGE, 'topic', { durable: true });
    const options = { keyPrefix: 'firehose:', partitions: 4, resource: null, retention: null, logger: silentLogger };
    await using eventLog = await openRedisLog({ redis: away.url, ...options });
    await using tried = runFirstTry(THIS, {
      folder,
      path: rabbit.bin,
      variables: { BROKER_PASSWORD },
      replace: { 'rabbitmq.example.com:5672': `127.0.0.1:${rabbit.port}`, 'redis://localhost:6379': away.url },
    });
    await until('the bus is consumed', () => tried.output(), {
      holds: (output) => output.includes('the bus is consumed'),
    });
    await publishAll(publisher, MOD_AMQP_EXCHANGE, published('hold_unhold'));
    const switchId = (name: string) => switchPseudonym(`default/source/${name}`);
    const expected = mapAll(
      recording('freeswitch-1.11/mod_amqp/hold_unhold').mapper({ switchId }),
      recording('freeswitch-1.11/mod_amqp/hold_unhold').events,
    );
    const events = await until('the call is in the log', () => loggedEvents(eventLog), {
      holds: (seen) => seen.length >= expected.length,
    });
    const legs = (list: readonly { callId: string; json: string }[]) =>
      Object.fromEntries(
        [...Map.groupBy(list, ({ callId }) => callId)].map(([id, leg]) => [id, leg.map((e) => e.json)]),
      );
    // Independent of the messages' time in the broker: the switch's clock decides which event has an account.
    assert.deepEqual(legs(events), legs(expected), 'each leg in its order');
    assert.deepEqual(await loggedGaps(eventLog), []);
    assert.doesNotMatch(tried.output(), /canary/, 'S12');
  } finally {
    await rm(folder, { recursive: true });
  }
});

const XML = /```xml\n(<configuration name="amqp[^`]*)```/;
const TOKEN = /<(\/?)([\w-]+)((?: [\w-]+="[^"<&]*")*)(\/?)>|\s+/y;

interface Element {
  readonly path: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The elements of a document without text, comments and entities. Fails when a tag is not closed. */
function elementsOf(xml: string): Element[] {
  const [open, found]: [string[], Element[]] = [[], []];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < xml.length; at = TOKEN.lastIndex) {
    const token = TOKEN.exec(xml);
    assert.ok(token, `no XML: ${xml.slice(at, at + 40)}`);
    const [, close, name, attributes = '', isEmpty] = token;
    if (name === undefined) continue;
    if (close === '/') {
      assert.equal(open.pop(), name);
      continue;
    }
    const pairs = [...attributes.matchAll(/ ([\w-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]);
    found.push({ path: [...open, name].join('/'), attributes: Object.fromEntries(pairs) as Element['attributes'] });
    if (isEmpty !== '/') open.push(name);
  }
  assert.deepEqual(open, []);
  return found;
}

/** What mod_amqp reads (`mod_amqp_connection.c`, `mod_amqp_producer.c`), as far as a producer needs it. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  'configuration/producers/profile/connections/connection/param': [
    'hostname',
    'virtualhost',
    'username',
    'password',
    'port',
    'heartbeat',
  ],
  'configuration/producers/profile/params/param': [
    'exchange-name',
    'exchange-type',
    'circuit_breaker_ms',
    'reconnect_interval_ms',
    'send_queue_size',
    'format_fields',
    'event_filter',
  ],
};
/** `MAX_ROUTING_KEY_FORMAT_FIELDS`. */
const MOST_FORMAT_FIELDS = 10;

test('amqp.conf.xml of docs/sources.md is XML, with the parameters that mod_amqp reads, each once', () => {
  const page = readFileSync(new URL('../../docs/sources.md', import.meta.url), 'utf8');
  const params = elementsOf(XML.exec(page)?.[1] ?? '').filter(({ path }) => path.endsWith('/param'));
  const named = Map.groupBy(params, ({ path }) => path);
  assert.deepEqual(
    Object.fromEntries([...named].map(([path, list]) => [path, list.map(({ attributes }) => attributes['name'])])),
    KNOWN,
  );
  assert.ok(params.every(({ attributes }) => Object.keys(attributes).join() === 'name,value'));
  const valueOf = (name: string) => params.find(({ attributes }) => attributes['name'] === name)?.attributes['value'];
  assert.equal(valueOf('exchange-name'), MOD_AMQP_EXCHANGE);
  assert.ok((valueOf('format_fields') ?? '').split(',').length < MOST_FORMAT_FIELDS);
});

test('docs/sources.md lets mod_amqp publish what a source reads, and no more', () => {
  const page = readFileSync(new URL('../../docs/sources.md', import.meta.url), 'utf8');
  const block = page.slice(page.indexOf(`<!-- run: ${THIS} -->\n\n\`\`\`xml`));
  const names = /name="event_filter" value="([^"]+)"/.exec(block)?.[1]?.split(',') ?? [];
  const wanted = subscribedEvents('Application')
    .split(' ')
    .filter((name) => /^[A-Z_]+$/.test(name));
  assert.deepEqual(
    names,
    wanted.map((name) => `SWITCH_EVENT_${name}`),
  );
});
