import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sourceKeys } from '../protocol/keys.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../runtime/redis/client.ts';
import { startRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { buildSource } from './build-source.ts';
import { startFakeEventSocket } from './freeswitch/testing/fake-event-socket.ts';
import { readSourceConfig } from './source-config.ts';
import { recording } from './testing/recordings.ts';

test('a replica is ready once it is in step with the one that publishes; a switch that is away is no reason', async () => {
  await using stack = new AsyncDisposableStack();
  const redis = await startRedis();
  stack.defer(() => redis.stop());
  const reader = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  stack.defer(() => reader.disconnect());
  assert.ok(await becomesReady(reader, 30_000));
  const { events } = recording('freeswitch-1.11/esl/rejected_busy');
  const fake = stack.use(
    await startFakeEventSocket({
      api: (command) => (command.startsWith('show') ? '{"row_count":0}' : String(events[0]?.event['Core-UUID'])),
    }),
  );
  const folder = await mkdtemp(join(tmpdir(), 'firehose-ready-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const endpoint = (name: string, port: number) => `{ name: ${name}, host: 127.0.0.1, port: ${port} }`;
  const file = join(folder, 'source.yaml');
  await writeFile(file, `freeswitch: { endpoints: [${endpoint('fs1', fake.port)}, ${endpoint('away', 1)}] }`);
  for (const name of ['fs1', 'away']) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'password'), 'ClueCon');
  }
  // Another replica publishes, and has not announced yet what the log has.
  const { lead } = sourceKeys('firehose:', 'default/source');
  await reader.set(lead('fs1'), 'another:1', 'PX', 60_000);
  const config = await readSourceConfig({
    FIREHOSE_SOURCE_FILE: file,
    FIREHOSE_SOURCE_SECRETS: folder,
    FIREHOSE_INNER_PORT: '0',
    REDIS_URL: redis.url,
  });
  const source = stack.use(await buildSource(config, silentLogger));
  const readiness = async () => (await fetch(`http://127.0.0.1:${source.port}/readyz`)).text();
  await until('it listens and is not in step', readiness, {
    holds: (text) => text === 'not in step with the other replicas: fs1\n',
  });
  await reader.del(lead('fs1'));
  await until('it publishes, and is ready', readiness, { holds: (text) => text === 'ok\n' });
});
