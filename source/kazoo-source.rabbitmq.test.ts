import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openRedisLog } from '../event-log/redis-log.ts';
import { sourceKeys } from '../protocol/keys.ts';
import { decodeSourceReport } from '../protocol/source-report.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { sourceAclRules } from '../runtime/redis/acl.ts';
import { makeCertificates, type Certificates } from '../testing/certificates.ts';
import { RABBIT_START, startRabbit, type RabbitServer } from '../testing/rabbitmq-server.ts';
import { recordedLogger } from '../testing/recorded-logger.ts';
import { ask } from '../testing/redis-process.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { connectBroker, type BrokerTls } from '../runtime/amqp/connect.ts';
import { amqpReason } from '../runtime/amqp/fault.ts';
import { openPublisher, publishAll } from './amqp/testing/rabbit-bus.ts';
import { buildSource } from './build-source.ts';
import { kazooCalls } from './kazoo/testing/kazoo-events.ts';
import { loggedEvents, loggedGaps } from './kazoo/testing/log-of.ts';
import { readSourceConfig } from './source-config.ts';
import { runFirstTry } from './testing/first-try.ts';

const PASSWORD = 'canary-of-the-redis';
const BROKER_PASSWORD = 'canary-of-the-broker';
const LIMIT = { timeout: 120_000 };

let redis: RedisServer;
let rabbit: RabbitServer;
let certificates: Certificates;
let other: Certificates;
let folder: string;
before(async () => {
  [certificates, other] = [await makeCertificates(), await makeCertificates()];
  folder = await mkdtemp(join(tmpdir(), 'firehose-kazoo-'));
  [rabbit, redis] = await Promise.all([
    startRabbit({ tls: certificates }),
    startRedis({ users: [`firehose-source ${sourceAclRules()} >${PASSWORD}`] }),
  ]);
  await rabbit.ctl('add_user', 'firehose', BROKER_PASSWORD);
  await rabbit.ctl('set_permissions', 'firehose', '^firehose\\.', '^firehose\\.', '^(callevt|firehose\\..*)$');
}, RABBIT_START);
after(async () => {
  await rabbit[Symbol.asyncDispose]();
  await redis.stop();
  await Promise.all([
    certificates[Symbol.asyncDispose](),
    other[Symbol.asyncDispose](),
    rm(folder, { recursive: true }),
  ]);
});

/** The folder of Secrets, as Kubernetes mounts them. */
async function secrets(ca: Certificates, client: Certificates, url = rabbit.tlsUrl): Promise<void> {
  for (const name of ['amqp', 'ca', 'client']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'amqp/url'), url.replace('guest:guest', `firehose:${BROKER_PASSWORD}`));
  await copyFile(ca.caFile, join(folder, 'ca/ca.crt'));
  await copyFile(client.certFile, join(folder, 'client/tls.crt'));
  await copyFile(client.keyFile, join(folder, 'client/tls.key'));
}

test('an unknown authority, and a client without the right certificate, are faults of TLS', LIMIT, async () => {
  const ca = await readFile(certificates.caFile);
  const reasonOf = async (tls: BrokerTls) => {
    try {
      const connection = await connectBroker({ url: rabbit.tlsUrl, tls, policy: null });
      await connection.close();
      return 'connected';
    } catch (error) {
      return amqpReason(error, true);
    }
  };
  assert.equal(await reasonOf({ ca: await readFile(other.caFile) }), 'TLS');
  assert.equal(await reasonOf({ ca }), 'TLS');
  assert.equal(await reasonOf({ ca, cert: await readFile(other.certFile), key: await readFile(other.keyFile) }), 'TLS');
  assert.equal(await reasonOf({ ca, servername: 'elsewhere.example.com' }), 'TLS');
});

test(
  'a file is all it takes: private authority, client certificate, least rights at broker and Redis',
  LIMIT,
  async () => {
    await secrets(other, certificates);
    const source = join(folder, 'source.yaml');
    const tls = { caSecretRef: { name: 'ca' }, clientCertSecretName: 'client' };
    await writeFile(
      source,
      JSON.stringify({
        apiVersion: 'firehose.dev/v1alpha1',
        kind: 'FirehoseSource',
        metadata: { name: 'kazoo', namespace: 'voice' },
        spec: { kazoo: { brokers: [{ urlSecretRef: { name: 'amqp' }, tls }] } },
      }),
    );
    await using bus = await openPublisher(rabbit.url);
    await bus.channel.assertExchange('callevt', 'topic', { durable: false, autoDelete: false });
    await ask(redis.port, ['config', 'resetstat']);
    const url = `redis://firehose-source:${PASSWORD}@127.0.0.1:${redis.port}`;
    const config = await readSourceConfig({
      FIREHOSE_SOURCE_FILE: source,
      FIREHOSE_SOURCE_SECRETS: folder,
      FIREHOSE_INNER_PORT: '0',
      REDIS_URL: url,
    });
    const { logger, lines } = recordedLogger();
    await using eventLog = await openRedisLog({
      redis: url,
      keyPrefix: 'firehose:',
      partitions: 4,
      resource: null,
      retention: null,
      logger: silentLogger,
    });
    const { reports } = sourceKeys('firehose:', 'voice/kazoo');
    const report = async () => decodeSourceReport(Object.values(await eventLog.client.hgetall(reports))[0] ?? '');
    await using running = await buildSource(config, logger);
    await until('another authority is told', async () => (await report())?.reason === 'TLS');
    await secrets(certificates, certificates);
    await until('the bindings stand', async () => (await report())?.bound === true, { limitMs: 60_000 });
    await publishAll(bus, 'callevt', kazooCalls(20));
    await until('the log has the calls', async () => (await loggedEvents(eventLog)).length === 200);
    assert.deepEqual(await loggedGaps(eventLog), []);
    await until('it is told which replica takes them', async () => (await report())?.leading === true);
    assert.doesNotMatch(String(await ask(redis.port, ['info', 'commandstats'])), /rejected_calls=[1-9]/);
    // S12
    assert.doesNotMatch(JSON.stringify([lines, await eventLog.client.hgetall(reports)]), /canary/);
    assert.ok(running.port > 0);
  },
);

test('the five commands of docs/sources.md bring the calls of a Kazoo into the log', LIMIT, async () => {
  const own = await mkdtemp(join(tmpdir(), 'firehose-first-try-'));
  await using away = await startRedis();
  await using bus = await openPublisher(rabbit.url);
  await bus.channel.assertExchange('callevt', 'topic', { durable: false, autoDelete: false });
  await using eventLog = await openRedisLog({
    redis: away.url,
    keyPrefix: 'firehose:',
    partitions: 4,
    resource: null,
    retention: null,
    logger: silentLogger,
  });
  // The block creates it.
  await rabbit.ctl('delete_user', 'firehose');
  await using tried = runFirstTry('source/kazoo-source.rabbitmq.test.ts', {
    folder: own,
    path: rabbit.bin,
    variables: { BROKER_PASSWORD },
    replace: { 'rabbitmq.example.com:5672': `127.0.0.1:${rabbit.port}`, 'redis://localhost:6379': away.url },
  });
  await until('the bus is consumed', () => tried.output(), {
    holds: (output) => output.includes('the bus is consumed'),
  });
  await publishAll(bus, 'callevt', kazooCalls(5, 'tried'));
  await until('the calls are in the log', async () => (await loggedEvents(eventLog)).length === 50);
  assert.doesNotMatch(tried.output(), /canary/);
  await rm(own, { recursive: true });
});
