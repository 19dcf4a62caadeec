import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { tableHas } from '../gateway/contract/calls.suite.ts';
import { eventsOf } from '../gateway/contract/call-ends.suite.ts';
import { startGateway } from '../gateway/testing/running-gateway.ts';
import { callKeys } from '../protocol/keys.ts';
import { partitionOf } from '../protocol/partition.ts';
import { SWITCH_FIELD, isSwitchPseudonym } from '../protocol/switch-field.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { commandClient } from '../runtime/redis/client.ts';
import { buildSource } from '../source/build-source.ts';
import { startFakeEventSocket, type FakeEventSocket } from '../source/freeswitch/testing/fake-event-socket.ts';
import { readSourceConfig } from '../source/source-config.ts';
import type { SwitchEvent } from '../source/mapper.ts';
import { recording } from '../source/testing/recordings.ts';
import { startRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';

const LIMIT = { timeout: 90_000 };
const ACCOUNT = 'account_id_1';
const PARTITIONS = 4;
const TWO_DAYS_MS = 172_800_000;
const EVENTS: readonly SwitchEvent[] = recording('freeswitch-1.11/esl/answered_caller_hangs_up').events.map(
  ({ event }) => ({
    ...event,
    variable_account_id: ACCOUNT,
  }),
);
const IS_END = /HANGUP|DESTROY|UNBRIDGE/;
const RUNNING = EVENTS.filter((event) => !IS_END.test(String(event['Event-Name'])));
const CORE = String(EVENTS[0]?.['Core-UUID']);
const LEGS = [...new Set(EVENTS.map((event) => String(event['Unique-ID'])))];

/** A switch without calls, by what it answers. `core`: its instance. */
function startSwitch(core: () => string): Promise<FakeEventSocket> {
  const answers = (command: string) =>
    command.startsWith('show ') ? '{"row_count":0}' : command === 'global_getvar core_uuid' ? core() : '1.11';
  return startFakeEventSocket({ password: 'canary', api: answers });
}

/** A source of one switch, which it has reached. */
async function startSource(redisUrl: string, fs1: FakeEventSocket): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'firehose-source-and-calls-'));
  stack.defer(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'fs1'));
  await writeFile(join(folder, 'fs1', 'password'), 'canary');
  const endpoint = { name: 'fs1', host: '127.0.0.1', port: fs1.port };
  const spec = { freeswitch: { endpoints: [endpoint] } };
  const resource = { apiVersion: 'firehose.dev/v1alpha1', kind: 'FirehoseSource', spec };
  const metadata = { name: 'pbx', namespace: 'voice' };
  await writeFile(join(folder, 'source.yaml'), JSON.stringify({ ...resource, metadata }));
  const config = await readSourceConfig({
    FIREHOSE_SOURCE_FILE: join(folder, 'source.yaml'),
    FIREHOSE_SOURCE_SECRETS: folder,
    FIREHOSE_INNER_PORT: '0',
    REDIS_URL: redisUrl,
  });
  stack.use(await buildSource(config, silentLogger));
  await until('the source listens', () => fs1.commands.some((line) => line.startsWith('api show')));
  return stack.move();
}

const calls = { enabled: true };

test(
  'LC3: calls of a source are known by their switch, and end once: by a list of it, and by its restart',
  LIMIT,
  async () => {
    await using redis = await startRedis();
    let core = CORE;
    await using fs1 = await startSwitch(() => core);
    await using running = await startGateway({ redisUrl: redis.url, calls, plain: true });
    const token = await running.token();
    const client = await running.connect(`?token=${token}`);
    await using _ = await startSource(redis.url, fs1);
    for (const event of RUNNING) fs1.send(event);
    await tableHas(running, token, LEGS);

    const [kept = '', gone = ''] = LEGS;
    // The table may be ahead of the stream.
    await until('events of the call', () => eventsOf(client, kept).length > 0);
    const named = new Set(eventsOf(client, kept).map((event) => String(event[SWITCH_FIELD])));
    assert.equal(named.size, 1);
    assert.ok([...named].every(isSwitchPseudonym), 'by a pseudonym alone');
    assert.ok(eventsOf(client, kept).every((event) => !('Node' in event)));

    const listed_at = new Date(Date.now() + 3_600_000).toISOString();
    const other = await running.reconcile({ switch: 'voice/pbx/fs2', live: [], listed_at });
    assert.deepEqual(other.body, { ended: 0, unknown: 0 });
    const answer = await running.reconcile({ switch: 'voice/pbx/fs1', live: [kept], listed_at });
    assert.deepEqual(answer.body, { ended: 1, unknown: 0 });
    await tableHas(running, token, [kept]);
    core = '00000000-0000-4000-8000-000000000002';
    fs1.bye();
    await tableHas(running, token, []);

    const endsOf = (callId: string) =>
      eventsOf(client, callId)
        .filter((event) => event['Event-Name'] === 'CHANNEL_DESTROY')
        .map((event) => [event['Firehose-Synthetic'], event['Hangup-Cause'], named.has(String(event[SWITCH_FIELD]))]);
    await until('both have ended', () => LEGS.every((callId) => endsOf(callId).length > 0));
    assert.deepEqual(endsOf(gone), [['reconciled', 'CRASH', true]]);
    assert.deepEqual(endsOf(kept), [['switch_restarted', 'CRASH', true]]);
    client.close();
  },
);

test(
  'LC4: calls of a switch that dies for good end once: when they were silent for long, or at once by a list that names it',
  LIMIT,
  async () => {
    await using redis = await startRedis();
    const fs1 = await startSwitch(() => CORE);
    await using _ = await startSource(redis.url, fs1);
    const [silent = '', listed = ''] = LEGS;
    {
      await using before = await startGateway({ redisUrl: redis.url, calls, plain: true });
      for (const event of RUNNING) fs1.send(event);
      await tableHas(before, await before.token(), LEGS);
      await fs1[Symbol.asyncDispose]();
      // The source tries to reach it all the while: that a network fails ends no call.
      await tableHas(before, await before.token(), LEGS);
    }
    await spokeLongAgo(redis.url, silent);
    await using running = await startGateway({ redisUrl: redis.url, calls, plain: true });
    const token = await running.token();
    const client = await running.connect(`?token=${token}&from=-10m`);
    await tableHas(running, token, [listed]);
    const listed_at = new Date(Date.now() + 3_600_000).toISOString();
    const answer = await running.reconcile({ switch: 'voice/pbx/fs1', live: [], listed_at });
    assert.deepEqual(answer.body, { ended: 1, unknown: 0 });
    await tableHas(running, token, []);
    const endsOf = (callId: string) =>
      eventsOf(client, callId)
        .filter((event) => event['Event-Name'] === 'CHANNEL_DESTROY')
        .map((event) => [event['Firehose-Synthetic'], event['Hangup-Cause']]);
    await until('both have ended', () => LEGS.every((callId) => endsOf(callId).length > 0));
    assert.deepEqual(endsOf(silent), [['silent', 'ALLOTTED_TIMEOUT']]);
    assert.deepEqual(endsOf(listed), [['reconciled', 'CRASH']]);
    client.close();
  },
);

/** As if nothing of the leg had come for two days. No replica keeps the table now. */
async function spokeLongAgo(redisUrl: string, callId: string): Promise<void> {
  const client = commandClient(redisUrl, { logger: silentLogger, name: 'test' });
  try {
    const { legs } = callKeys('firehose:', partitionOf({ account: ACCOUNT, callId }, PARTITIONS));
    const text = await until('the record', () => client.hget(legs(ACCOUNT), callId));
    const record = JSON.parse(text) as { readonly last_ms: number };
    await client.hset(legs(ACCOUNT), callId, JSON.stringify({ ...record, last_ms: record.last_ms - TWO_DAYS_MS }));
  } finally {
    client.disconnect();
  }
}
