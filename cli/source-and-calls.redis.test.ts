import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { tableHas } from '../gateway/contract/calls.suite.ts';
import { eventsOf } from '../gateway/contract/call-ends.suite.ts';
import { startGateway } from '../gateway/testing/running-gateway.ts';
import { SWITCH_FIELD, isSwitchPseudonym } from '../protocol/switch-field.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { buildSource } from '../source/build-source.ts';
import { startFakeEventSocket } from '../source/freeswitch/testing/fake-event-socket.ts';
import { readSourceConfig } from '../source/source-config.ts';
import type { SwitchEvent } from '../source/mapper.ts';
import { recording } from '../source/testing/recordings.ts';
import { startRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';

const LIMIT = { timeout: 90_000 };
const ACCOUNT = 'account_id_1';
const EVENTS: readonly SwitchEvent[] = recording('freeswitch-1.11/esl/answered_caller_hangs_up').events.map(
  ({ event }) => ({
    ...event,
    variable_account_id: ACCOUNT,
  }),
);
const IS_END = /HANGUP|DESTROY|UNBRIDGE/;
const RUNNING = EVENTS.filter((event) => !IS_END.test(String(event['Event-Name'])));
const LEGS = [...new Set(EVENTS.map((event) => String(event['Unique-ID'])))];

test(
  'LC3: calls of a source are known by their switch, and end once: by a list of it, and by its restart',
  LIMIT,
  async () => {
    await using redis = await startRedis();
    const folder = await mkdtemp(join(tmpdir(), 'firehose-source-and-calls-'));
    let core = String(EVENTS[0]?.['Core-UUID']);
    const answers = (command: string) =>
      command.startsWith('show ') ? '{"row_count":0}' : command === 'global_getvar core_uuid' ? core : '1.11';
    await using fs1 = await startFakeEventSocket({ password: 'canary', api: answers });
    await mkdir(join(folder, 'fs1'));
    await writeFile(join(folder, 'fs1', 'password'), 'canary');
    const endpoint = { name: 'fs1', host: '127.0.0.1', port: fs1.port };
    const spec = { freeswitch: { endpoints: [endpoint] } };
    const resource = { apiVersion: 'firehose.dev/v1alpha1', kind: 'FirehoseSource', spec };
    const metadata = { name: 'pbx', namespace: 'voice' };
    await writeFile(join(folder, 'source.yaml'), JSON.stringify({ ...resource, metadata }));
    await using running = await startGateway({ redisUrl: redis.url, calls: { enabled: true }, plain: true });
    const config = await readSourceConfig({
      FIREHOSE_SOURCE_FILE: join(folder, 'source.yaml'),
      FIREHOSE_SOURCE_SECRETS: folder,
      FIREHOSE_INNER_PORT: '0',
      REDIS_URL: redis.url,
    });
    await using _ = await buildSource(config, silentLogger);
    const token = await running.token();
    const client = await running.connect(`?token=${token}`);
    await until('the source listens', () => fs1.commands.some((line) => line.startsWith('api show')));
    for (const event of RUNNING) fs1.send(event);
    await tableHas(running, token, LEGS);

    const [kept = '', gone = ''] = LEGS;
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
    await rm(folder, { recursive: true });
  },
);
