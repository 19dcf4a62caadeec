import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeMeta } from '../protocol/entry.ts';
import { sourceSpecSchema } from '../protocol/source.ts';
import { createTimeline } from '../protocol/simulator/timeline.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { sourceAclRules, SOURCE_ACL_COMMANDS } from '../runtime/redis/acl.ts';
import { becomesReady, commandClient, type RedisClient } from '../runtime/redis/client.ts';
import { ask } from '../testing/redis-process.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { Started } from '../testing/started.ts';
import { until } from '../testing/until.ts';
import { buildSource } from './build-source.ts';
import type { SourceConfig } from './source-config.ts';

const COMMAND = fileURLToPath(new URL('../cli/firehose.ts', import.meta.url));
const PASSWORD = 'canary-of-the-source';
const ACCOUNTS = [
  { id: 'account_id_1', name: 'north', realm: 'north.sip.example.com' },
  { id: 'account_id_2', name: 'south', realm: 'south.sip.example.com' },
];
const TIME_LIMIT = { timeout: 60_000 };

let redis: RedisServer;
let reader: RedisClient;
before(async () => {
  redis = await startRedis({ users: [`firehose-source ${sourceAclRules()} >${PASSWORD}`] });
  reader = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(reader, 30_000));
});
after(async () => {
  reader.disconnect();
  await redis.stop();
});

let logs = 0;
/** Each test has streams of its own, within the keys that the user may use. */
function config(keyPrefix = `firehose:${(logs += 1)}:`, callsPerSecond = 5, retention = {}): SourceConfig {
  const node = { host: '127.0.0.1', port: redis.port };
  const spec = sourceSpecSchema.parse({
    redis: { keyPrefix },
    stream: { partitions: 2, retention: { maxLength: 100_000, ...retention } },
    simulator: { seed: 's', callsPerSecond, accounts: ACCOUNTS },
  });
  return {
    name: 'default/source',
    spec,
    endpoints: [],
    rules: [],
    places: { file: 'source.yaml', bareName: 'default/source', secretsFolder: null, directoryFile: null },
    redis: {
      mode: 'Standalone',
      nodes: [node],
      username: 'firehose-source',
      password: PASSWORD,
      database: 0,
      sentinel: null,
      tls: null,
      guard: null,
    },
    tlsFolder: null,
    addressPolicy: null,
    host: '127.0.0.1',
    port: 0,
  };
}

/** The rules name keys of the default prefix: a test's own keys lie beside them. */
async function allow(keyPrefix: string): Promise<void> {
  const keys = ['events', 'meta', 'trim', 'seen:*'].map((key) => `~${keyPrefix}{*}:${key}`);
  await ask(redis.port, ['acl', 'setuser', 'firehose-source', ...keys]);
}

async function stored({ spec }: SourceConfig): Promise<{ eventId: string; callId: string }[]> {
  const ids = [];
  for (let partition = 0; partition < spec.stream.partitions; partition += 1) {
    const key = `${spec.redis.keyPrefix}{${partition}}:events`;
    for (const [, fields] of (await reader.xrange(key, '-', '+')) as [string, string[]][]) {
      const { 'Call-ID': callId } = JSON.parse(fields[3] ?? '') as { 'Call-ID': string };
      ids.push({ eventId: decodeMeta(fields[1] ?? '')?.eventId ?? '', callId });
    }
  }
  return ids;
}

const answer = (port: number, path: string) => fetch(`http://127.0.0.1:${port}${path}`);
const isReady = async (port: number) => (await answer(port, '/readyz')).ok;
const taken = async (port: number, outcome: string) => {
  const text = await (await answer(port, '/metrics')).text();
  return Number(new RegExp(`firehose_ingest_events_total\\{[^}]*outcome="${outcome}"[^}]*\\} (\\d+)`).exec(text)?.[1]);
};

describe('a source of simulated calls', () => {
  test('two replicas, and one that starts again, tell each event once and calls in order', TIME_LIMIT, async () => {
    const settings = config();
    await allow(settings.spec.redis.keyPrefix);
    // The sources have a clock of their own: what is due does not depend on the machine's load.
    const start = Date.now();
    let time = start;
    const now = () => time;
    const timeline = createTimeline({ seed: 's', callsPerSecond: 5, accounts: ACCOUNTS, from: start - 60_000 });
    const expected = timeline.next(start + 10_000);
    {
      await using first = await buildSource(settings, silentLogger, now);
      await using second = await buildSource(settings, silentLogger, now);
      time += 10_000;
      await until('the expected events stored', async () => (await stored(settings)).length, {
        holds: (seen) => seen >= expected.length,
      });
      await until(
        'a duplicate refused',
        async () => (await taken(first.port, 'duplicate')) > 0 || (await taken(second.port, 'duplicate')) > 0,
      );
    }
    time += 30_000;
    await using again = await buildSource(settings, silentLogger, now);
    time += 1_000;
    expected.push(...timeline.next(time));
    await until('the expected events stored', async () => (await stored(settings)).length, {
      holds: (seen) => seen >= expected.length,
    });
    await until('it has told again what was told before', async () => (await taken(again.port, 'duplicate')) > 0);
    const order = (events: readonly { eventId: string; callId: string }[]) => {
      const calls: Record<string, string[]> = {};
      for (const { callId, eventId } of events) (calls[callId] ??= []).push(eventId);
      return calls;
    };
    assert.deepEqual(order(await stored(settings)), order(expected));
  });

  test('its user may do what it does, and nothing that it does not do', TIME_LIMIT, async () => {
    const settings = config('firehose:');
    await ask(redis.port, ['script', 'flush']);
    await ask(redis.port, ['config', 'resetstat']);
    {
      await using source = await buildSource(settings, silentLogger);
      await until(
        'the source ready and an event accepted',
        async () => (await isReady(source.port)) && (await taken(source.port, 'accepted')) > 0,
      );
      await until('a trimmed stream', async () =>
        String(await ask(redis.port, ['info', 'commandstats'])).includes('cmdstat_xtrim'),
      );
    }
    const statistics = String(await ask(redis.port, ['info', 'commandstats']));
    const { connection: _, cluster: __, ...own } = SOURCE_ACL_COMMANDS;
    for (const command of Object.values(own).flatMap((words) => words.split(' '))) {
      // Used when entries were trimmed, when streams have no meta, when a start waits for replicas, when they share a
      // switch.
      if (['xrange', 'hincrby', 'hsetnx', 'pexpire', 'pttl', 'hdel'].includes(command)) continue;
      assert.ok(statistics.includes(`cmdstat_${command}:`), `${command} is granted and was not used`);
    }
    assert.doesNotMatch(statistics, /rejected_calls=[1-9]/);
    const denied = (...command: string[]) =>
      assert.rejects(ask(redis.port, command, PASSWORD, 'firehose-source'), /NOPERM/, command.join(' '));
    await denied('get', 'firehose:voice/acme:revoked');
    await denied('xreadgroup', 'group', 'g', 'c', 'streams', 'firehose:{0}:events', '>');
    await denied('del', 'firehose:{0}:events');
  });

  test('what nobody reads does not fill the Redis, and is kept as a resource wants it', TIME_LIMIT, async () => {
    const settings = config(undefined, 10, { maxLength: 200, maxAge: '1m' });
    await allow(settings.spec.redis.keyPrefix);
    await using source = await buildSource(settings, silentLogger);
    const length = async () => Number(await ask(redis.port, ['xlen', `${settings.spec.redis.keyPrefix}{0}:events`]));
    await until('more than 2,000 events accepted', () => taken(source.port, 'accepted'), {
      holds: (seen) => seen > 2_000,
    });
    await until('a stream shorter than 600', () => length(), { holds: (seen) => seen < 600 });
    const fields = String(await ask(redis.port, ['hkeys', `${settings.spec.redis.keyPrefix}{0}:meta`]));
    assert.doesNotMatch(fields, /retention/);
  });

  test('streams with another number of partitions are reported, and not written to', TIME_LIMIT, async () => {
    const settings = config();
    await allow(settings.spec.redis.keyPrefix);
    await ask(redis.port, ['hset', `${settings.spec.redis.keyPrefix}{0}:meta`, 'partitions', '8']);
    await using source = await buildSource(settings, silentLogger);
    await until('PARTITIONS_MISMATCH as the reason', async () =>
      (await (await answer(source.port, '/readyz')).text()).includes('PARTITIONS_MISMATCH'),
    );
    assert.equal((await answer(source.port, '/livez')).status, 200);
    assert.equal(await ask(redis.port, ['exists', `${settings.spec.redis.keyPrefix}{0}:events`]), 0);
  });
});

describe('firehose source, as a process', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firehose-source-'));
  });
  after(() => rm(folder, { recursive: true }));

  function start(environment: Record<string, string>): Started {
    const env = { PATH: process.env['PATH'], FIREHOSE_INNER_PORT: '0', ...environment };
    const args = [COMMAND, 'source'];
    return new Started(spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  test('it writes until SIGTERM and then leaves with exit code 0', TIME_LIMIT, async () => {
    const file = join(folder, 'source.yaml');
    const [account] = ACCOUNTS;
    await writeFile(file, JSON.stringify({ redis: { keyPrefix: 'run:' }, simulator: { accounts: [account] } }));
    const source = start({ FIREHOSE_SOURCE_FILE: file, REDIS_URL: redis.url });
    const [, port] = await source.says(/"inner_port":(\d+)/);
    await until('the source ready', () => isReady(Number(port)));
    await until('an event accepted', () => taken(Number(port), 'accepted'), { holds: (seen) => seen > 0 });
    source.kill('SIGTERM');
    assert.equal(await source.exitCode, 0);
  });

  test('it leaves at once on SIGTERM while Redis is away, too', TIME_LIMIT, async () => {
    const file = join(folder, 'away.yaml');
    await writeFile(file, JSON.stringify({ simulator: { accounts: ACCOUNTS } }));
    await using away = await startRedis();
    await away.kill();
    const source = start({ FIREHOSE_SOURCE_FILE: file, REDIS_URL: away.url });
    const [, port] = await source.says(/"inner_port":(\d+)/);
    assert.equal(await isReady(Number(port)), false);
    source.kill('SIGTERM');
    assert.equal(await source.exitCode, 0);
  });

  test('what is wrong with its configuration ends it with exit code 2', TIME_LIMIT, async () => {
    const source = start({ FIREHOSE_SOURCE_FILE: join(folder, 'nowhere.yaml'), REDIS_URL: 'http://x' });
    assert.equal(await source.exitCode, 2);
    for (const fault of ['nowhere.yaml: cannot be read', 'REDIS_URL']) assert.ok(source.output.includes(fault));
  });
});
