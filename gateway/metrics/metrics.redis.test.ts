import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { CLOSE } from '../../protocol/close-code.ts';
import { assertMetrics } from '../../testing/assert-metrics.ts';
import { parseExposition } from '../../testing/exposition.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { GATEWAY_METRICS } from './metric-table.ts';
import { event } from '../contract/gateway.suite.ts';
import { untilEvents, untilFrame } from '../testing/frames.ts';
import { startDirectoryServer } from '../testing/directory-server.ts';
import { ADMIN, startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { until } from '../../testing/until.ts';
import { createMetrics } from './metrics.ts';

const scrape = async ({ gateway }: RunningGateway) =>
  (await fetch(`http://127.0.0.1:${gateway.innerPort}/metrics`)).text();
const samplesOf = async (running: RunningGateway, name: string) =>
  parseExposition(await scrape(running)).get(name)?.samples ?? [];

const DIRECTORY = new URL('../quickstart/directory.yaml', import.meta.url);

test('a running gateway exposes every metric of the table and no other', { timeout: 60_000 }, async () => {
  await using redis = await startRedis();
  await using directoryServer = await startDirectoryServer(JSON.stringify(load(await readFile(DIRECTORY, 'utf8'))));
  await using running = await startGateway({
    redisUrl: redis.url,
    connections: { maxPerAccount: 2 },
    groups: [
      { name: 'crm', account: 'account_id_1', webhook: { url: 'https://crm.example.com/' } },
      { name: 'bus', account: 'account_id_1', nats: { servers: ['nats://nats.invalid'] } },
    ],
    webhooks: { selfService: { enabled: true } },
    directoryServer,
    auth: { login: ['Directory', 'Check'] },
  });
  await running.login({ ...ADMIN, password: 'wrong' });
  await running.login({ ...ADMIN, username: 'stranger' });
  const token = await running.token();
  const live = await running.connect(`?token=${token}&v=1`);
  const member = await running.connect(`?token=${token}&v=1&group=default`);
  await assert.rejects(running.connect(`?token=${token}`));
  await untilFrame(member, 'hello');
  await running.ingest(`${event('account_id_1', 'DTMF', 1)}\n${event('account_id_1', 'DTMF', 2)}\n{}`);
  const [first] = await untilEvents(member, 1);
  member.send(JSON.stringify({ ack: [first?._firehose.id] }));
  await until(
    'one event counted as acknowledged',
    async () => (await samplesOf(running, 'firehose_group_acknowledged_total'))[0]?.value,
    { holds: (seen) => seen === 1 },
  );
  await running.administer('/revocations', { jti: 'nobody' });
  live.close();
  await until(
    'a closed session in the metrics',
    async () => (await samplesOf(running, 'firehose_sessions_closed_total')).length,
    { holds: (seen) => seen > 0 },
  );
  await until('the lag of the group in the metrics', async () =>
    (await samplesOf(running, 'firehose_group_lag')).some(({ labels }) => labels['group'] === 'default'),
  );
  const before = parseExposition(await scrape(running));
  await redis.kill();
  await until(
    'errors of more than two clients in the metrics',
    async () => (await samplesOf(running, 'firehose_redis_errors_total')).length,
    { holds: (seen) => seen > 2 },
  );
  assertMetrics(await scrape(running), GATEWAY_METRICS);

  const value = (name: string, labels: Record<string, string>) =>
    before.get(name)?.samples.find((sample) => Object.entries(labels).every(([key, one]) => sample.labels[key] === one))
      ?.value;
  assert.equal(value('firehose_logins_total', { outcome: 'bad_credentials' }), 1);
  assert.equal(value('firehose_handshakes_total', { status: '429' }), 1);
  assert.equal(value('firehose_quota_refusals_total', { quota: 'account' }), 1);
  assert.equal(value('firehose_revocations_in_force', {}), 1);
  assert.equal(value('firehose_connections', { contract: 'durable' }), 1);
  assert.equal(value('firehose_ingest_events_total', { outcome: 'accepted' }), 2);
  assert.equal(value('firehose_ingest_events_total', { outcome: 'rejected', reason: 'invalid_event_name' }), 1);
  assert.equal(value('firehose_group_lag', { group: 'default' }), 0);
  for (const role of ['log', 'commands', 'groups']) {
    assert.equal(value('firehose_redis_client_state', { role }), 1, role);
  }
  const [state] = await samplesOf(running, 'firehose_redis_client_state');
  assert.equal(state?.value, 0);
  const [certificate] = await samplesOf(running, 'firehose_certificate_expiry_timestamp_seconds');
  assert.ok((certificate?.value ?? 0) > Date.now() / 1_000);
});

test('close codes of the contract are told apart, those that peers make up are one label', async () => {
  await using metrics = createMetrics();
  for (let code = 3000; code < 4999; code += 1) metrics.sessionClosed(code);
  const server = createServer((request, response) => metrics.scrape(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const text = await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text();
  server.close();
  const samples = parseExposition(text).get('firehose_sessions_closed_total')?.samples ?? [];
  const ours = Object.values(CLOSE).filter((code) => code >= 3000);
  assert.deepEqual(new Set(samples.map(({ labels }) => labels['code'])), new Set([...ours.map(String), 'other']));
});
