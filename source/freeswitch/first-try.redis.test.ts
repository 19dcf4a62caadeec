import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRedisLog } from '../../event-log/redis-log.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { loggedEvents } from '../kazoo/testing/log-of.ts';
import { runFirstTry } from '../testing/first-try.ts';
import { recording } from '../testing/recordings.ts';
import { startFakeEventSocket } from './testing/fake-event-socket.ts';

const PASSWORD = 'canary-of-the-socket';

test(
  'the five commands of docs/sources.md bring the calls of a FreeSWITCH into the log',
  { timeout: 60_000 },
  async () => {
    await using redis = await startRedis();
    const { events } = recording('freeswitch-1.11/esl/rejected_busy');
    await using fake = await startFakeEventSocket({
      users: { 'firehose@firehose.local': PASSWORD },
      events: events.map(({ event }) => event),
      api: (command) => (command.startsWith('show') ? '{"row_count":0}' : String(events[0]?.event['Core-UUID'])),
    });
    const folder = await mkdtemp(join(tmpdir(), 'firehose-first-try-'));
    try {
      await writeFile(join(folder, 'fs_cli'), '#!/bin/sh\necho "+OK [Success]"\n', { mode: 0o755 });
      await using eventLog = await openRedisLog({
        redis: redis.url,
        keyPrefix: 'firehose:',
        partitions: 4,
        resource: null,
        retention: null,
        logger: silentLogger,
      });
      await using tried = runFirstTry('source/freeswitch/first-try.redis.test.ts', {
        folder,
        path: folder,
        variables: { ESL_PASSWORD: PASSWORD },
        replace: {
          'fs1.example.com, port: 8021': `127.0.0.1, port: ${fake.port}`,
          'redis://localhost:6379': redis.url,
        },
      });
      const names = async () => (await loggedEvents(eventLog)).map(({ name }) => name);
      await until('the calls are in the log', async () => ({ names: await names(), output: tried.output() }), {
        holds: (seen) => seen.names.filter((name) => name === 'CHANNEL_DESTROY').length === 2,
        limitMs: 50_000,
      });
      assert.doesNotMatch(tried.output(), /canary/);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
