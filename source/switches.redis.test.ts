import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeMeta } from '../protocol/entry.ts';
import { sourceKeys } from '../protocol/keys.ts';
import { decodeSourceReport } from '../protocol/source-report.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { sourceAclRules } from '../runtime/redis/acl.ts';
import { becomesReady, commandClient, type RedisClient } from '../runtime/redis/client.ts';
import { ask } from '../testing/redis-process.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { buildSource } from './build-source.ts';
import { parseExposition } from '../testing/exposition.ts';
import { startFakeEventSocket, type FakeEventSocket } from './freeswitch/testing/fake-event-socket.ts';
import { readSourceConfig } from './source-config.ts';
import { recording } from './testing/recordings.ts';

const PASSWORD = 'canary-of-the-source';
const LIMIT = { timeout: 60_000 };
const EMPTY = '{"row_count":0}';

let redis: RedisServer;
let reader: RedisClient;
let folder: string;
before(async () => {
  redis = await startRedis({ users: [`firehose-source ${sourceAclRules()} >${PASSWORD}`] });
  reader = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(reader, 30_000));
  folder = await mkdtemp(join(tmpdir(), 'firehose-switches-'));
});
after(async () => {
  reader.disconnect();
  await redis.stop();
  await rm(folder, { recursive: true });
});

const CALL = recording('freeswitch-1.11/esl/rejected_busy');
const freeswitch = (password: string) =>
  startFakeEventSocket({
    password,
    events: CALL.events.map(({ event }) => event),
    api: (command) =>
      command.startsWith('show ')
        ? EMPTY
        : command === 'global_getvar core_uuid'
          ? coreOf(CALL.events[0]?.event)
          : '1.11',
  });
const coreOf = (event: Readonly<Record<string, unknown>> | undefined) => String(event?.['Core-UUID']);
const endpoint = (name: string, { port }: FakeEventSocket, secret = name) => ({
  name,
  host: '127.0.0.1',
  port,
  credentialsSecretRef: { name: secret },
});

async function secret(name: string, password: string): Promise<void> {
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, 'password'), `${password}\n`);
}

async function stored(): Promise<string[]> {
  const names = [];
  for (let partition = 0; partition < 4; partition += 1) {
    for (const [, fields] of (await reader.xrange(`firehose:{${partition}}:events`, '-', '+')) as [
      string,
      string[],
    ][]) {
      names.push(decodeMeta(fields[1] ?? '')?.name ?? '');
    }
  }
  return names;
}

const reports = async () =>
  Object.entries(await reader.hgetall(sourceKeys('firehose:', 'voice/pbx').reports)).map(([field, text]) => ({
    endpoint: field.split('/')[1],
    ...decodeSourceReport(text),
  }));

test('a file is all it takes: switches are listened to, and followed, with the rights of a source', LIMIT, async () => {
  await using one = await freeswitch('one-canary');
  await using two = await freeswitch('two-canary');
  await secret('fs1', 'one-canary');
  await secret('fs2', 'not-yet');
  const write = (endpoints: readonly object[]) =>
    writeFile(
      join(folder, 'source.yaml'),
      JSON.stringify({
        apiVersion: 'firehose.dev/v1alpha1',
        kind: 'FirehoseSource',
        metadata: { name: 'pbx', namespace: 'voice' },
        spec: { freeswitch: { endpoints } },
      }),
    );
  await write([endpoint('fs1', one)]);
  await ask(redis.port, ['config', 'resetstat']);
  const config = await readSourceConfig({
    FIREHOSE_SOURCE_FILE: join(folder, 'source.yaml'),
    FIREHOSE_SOURCE_SECRETS: folder,
    FIREHOSE_INNER_PORT: '0',
    REDIS_URL: `redis://firehose-source:${PASSWORD}@127.0.0.1:${redis.port}`,
  });
  await using source = await buildSource(config, silentLogger);
  await until('the call in the log', async () => (await stored()).filter((name) => name === 'CHANNEL_DESTROY').length, {
    holds: (ended) => ended === CALL.events.filter(({ event }) => event['Event-Name'] === 'CHANNEL_DESTROY').length,
  });
  const states = async () =>
    (await reports())
      .map((report) => [report.endpoint, report.state, report.reason])
      .toSorted(([a], [b]) => String(a).localeCompare(String(b)));
  await until('the switch, live', async () => JSON.stringify(await states()), {
    holds: (seen) => seen === JSON.stringify([['fs1', 'Live', '']]),
  });
  const { port } = source;
  await until('the source ready', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200);

  await write([endpoint('fs1', one), endpoint('fs2', two)]);
  await until('the second switch, refused', async () => JSON.stringify(await states()), {
    holds: (seen) =>
      seen ===
      JSON.stringify([
        ['fs1', 'Live', ''],
        ['fs2', 'Waiting', 'Credentials'],
      ]),
  });
  const figures = parseExposition(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  const figure = (metric: string, labels: Readonly<Record<string, string>>) =>
    figures
      .get(metric)
      ?.samples.find(({ labels: has }) => Object.entries(labels).every(([key, value]) => has[key] === value))?.value;
  const [fs1, fs2] = [
    { source: 'voice/pbx', switch: 'fs1' },
    { source: 'voice/pbx', switch: 'fs2' },
  ];
  assert.deepEqual([figure('firehose_source_up', fs1), figure('firehose_source_up', fs2)], [1, 0]);
  assert.equal(figure('firehose_source_leading', fs1), 1);
  assert.equal(figure('firehose_source_backlog_limit_events', fs1), 200_000);
  assert.ok(Number(figure('firehose_source_connects_total', { ...fs2, outcome: 'Credentials' })) >= 1);
  const taken = figure('firehose_ingest_events_total', { source: 'freeswitch', outcome: 'accepted' });
  assert.equal(taken, (await stored()).length);
  assert.ok(figure('firehose_source_unattributed_total', fs1) !== undefined);
  await secret('fs2', 'two-canary');
  await until('the second switch, live', async () => JSON.stringify(await states()), {
    holds: (seen) =>
      seen ===
      JSON.stringify([
        ['fs1', 'Live', ''],
        ['fs2', 'Live', ''],
      ]),
  });
  assert.equal(one.commands.filter((line) => line.startsWith('auth ')).length, 1, 'the first connection went on');
  await write([endpoint('fs2', two)]);
  await until('the first switch, left', async () => JSON.stringify(await states()), {
    holds: (seen) => seen === JSON.stringify([['fs2', 'Live', '']]),
  });
  assert.doesNotMatch(String(await ask(redis.port, ['info', 'commandstats'])), /rejected_calls=[1-9]/);
});
