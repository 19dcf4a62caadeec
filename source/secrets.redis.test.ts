import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '../runtime/logging/logger.ts';
import { sourceAclRules } from '../runtime/redis/acl.ts';
import { becomesReady, commandClient } from '../runtime/redis/client.ts';
import { startOtlpReceiver } from '../testing/otlp-receiver.ts';
import { startRedis } from '../testing/redis-server.ts';
import { Started } from '../testing/started.ts';
import { until } from '../testing/until.ts';
import { startFakeEventSocket } from './freeswitch/testing/fake-event-socket.ts';
import { recording } from './testing/recordings.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const REDIS_PASSWORD = 'canary-of-the-redis';
const [WRONG, RIGHT] = ['canary-that-is-wrong', 'canary-of-the-socket'];
const BROKER = 'amqp://canary-user:canary-of-the-broker@127.0.0.1:1';
/** Numbers of the recording: personal data of a caller. */
const PERSONAL = /"1001"|1002@|Alice/;

/** Everything in Redis except the streams, whose events contain a caller's number on purpose. */
async function agreed(reader: ReturnType<typeof commandClient>): Promise<string> {
  const texts: string[] = [];
  for (const key of await reader.keys('*')) {
    const type = await reader.type(key);
    if (type === 'hash' && !key.includes(':legs:')) texts.push(JSON.stringify(await reader.hgetall(key)));
    else if (type === 'string') texts.push((await reader.get(key)) ?? '');
  }
  return texts.join('\n');
}

test(
  'S12: no credential is in logs of any level, spans, metrics, health, or what replicas agree on; no caller either',
  { timeout: 110_000 },
  async () => {
    await using stack = new AsyncDisposableStack();
    const redis = await startRedis({ users: [`firehose-source ${sourceAclRules()} >${REDIS_PASSWORD}`] });
    stack.defer(() => redis.stop());
    const reader = commandClient(redis.url, { logger: silentLogger, name: 'test' });
    stack.defer(() => reader.disconnect());
    assert.ok(await becomesReady(reader, 30_000));
    const receiver = stack.use(await startOtlpReceiver());
    const { events } = recording('freeswitch-1.11/esl/rejected_busy');
    const fake = stack.use(
      await startFakeEventSocket({
        password: RIGHT,
        events: events.map(({ event }) => event),
        api: (command) => (command.startsWith('show') ? '{"row_count":0}' : String(events[0]?.event['Core-UUID'])),
      }),
    );
    const folder = await mkdtemp(join(tmpdir(), 'firehose-secrets-'));
    stack.defer(() => rm(folder, { recursive: true }));
    for (const name of ['fs1', 'amqp']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'fs1/password'), WRONG);
    await writeFile(join(folder, 'amqp/url'), BROKER);
    const start = async (name: string, spec: string) => {
      await writeFile(join(folder, `${name}.yaml`), spec);
      const program = [
        '--import',
        './runtime/telemetry/start.ts',
        'cli/firehose.ts',
        'source',
        '--name',
        `voice/${name}`,
      ];
      const child = spawn(
        process.execPath,
        [...program, '--config', join(folder, `${name}.yaml`), '--secrets', folder],
        {
          cwd: ROOT,
          stdio: ['ignore', 'pipe', 'pipe'],
          env: {
            PATH: process.env['PATH'],
            FIREHOSE_INNER_PORT: '0',
            LOG_LEVEL: 'trace',
            REDIS_URL: `redis://firehose-source:${REDIS_PASSWORD}@127.0.0.1:${redis.port}`,
            OTEL_EXPORTER_OTLP_ENDPOINT: receiver.http,
            OTEL_BSP_SCHEDULE_DELAY: '200',
            OTEL_METRIC_EXPORT_INTERVAL: '500',
          },
        },
      );
      const started = new Started(child);
      stack.defer(async () => {
        child.kill('SIGKILL');
        await started.exitCode;
      });
      return started;
    };
    const switched = await start(
      'fs',
      `freeswitch: { endpoints: [{ name: fs1, host: 127.0.0.1, port: ${fake.port} }] }`,
    );
    const bus = await start('bus', 'kazoo: { brokers: [{ urlSecretRef: { name: amqp } }] }');
    await switched.says(/Credentials/);
    await bus.says(/Unreachable/);
    await writeFile(join(folder, 'fs1/password'), RIGHT);
    await switched.says(/listening to the switch/);
    const ends = async () => {
      const streams = await reader.keys('*:events');
      const lengths = await Promise.all(streams.map((key) => reader.xlen(key)));
      return lengths.reduce((sum, length) => sum + length, 0);
    };
    await until('the call is in the log', async () => (await ends()) > 3);
    await receiver.until((spans) => spans.length > 0);
    await until('metrics at the collector', () => receiver.metricNames.size > 0);
    const [, port] = await switched.says(/"inner_port":(\d+)/);
    const scraped = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const health = await (await fetch(`http://127.0.0.1:${port}/readyz`)).text();
    assert.match(scraped, /firehose_source_up/);
    const told = {
      logs: switched.output + bus.output,
      telemetry: receiver.bodies.map((body) => body.toString('latin1')).join('\n'),
      metrics: scraped + health,
      agreed: await agreed(reader),
    };
    for (const [place, text] of Object.entries(told)) {
      assert.doesNotMatch(text, /canary/, place);
      assert.doesNotMatch(text, PERSONAL, `${place}: a caller's number or name`);
    }
  },
);
