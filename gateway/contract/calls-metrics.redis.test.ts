import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { callKeys } from '../../protocol/keys.ts';
import { ask } from '../../testing/redis-process.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { getCalls, legEvent, tableHas } from './calls.suite.ts';

const LIMIT = { timeout: 60_000 };
const ACCOUNT = 'account_id_1';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

const leg = (callId: string, name = 'CHANNEL_CREATE') => legEvent(ACCOUNT, callId, name, { Node: 'fs1' });
const open = (keyPrefix: string, calls: object = {}) =>
  startGateway({
    redisUrl: redis.url,
    redis: { keyPrefix },
    stream: { partitions: 1 },
    plain: true,
    calls: { enabled: true, ...calls },
  });

/** A series of the gateway's metrics; NaN when it has none. */
async function valueOf({ gateway }: RunningGateway, series: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${gateway.innerPort}/metrics`)).text();
  const [name = '', labels = ''] = series.split('{');
  const line = text
    .split('\n')
    .find((one) => (one.startsWith(`${name}{`) || one.startsWith(`${name} `)) && one.includes(labels.replace('}', '')));
  return Number(line?.split(' ')[1] ?? Number.NaN);
}

test('what the alerts and the dashboard read of live calls is counted where it happens', LIMIT, async () => {
  await using running = await open('counted:', { maxLegsPerAccount: 100 });
  const token = await running.token();
  const legs = Array.from({ length: 102 }, (_, n) => `leg-${String(n).padStart(3, '0')}`);
  await running.ingest(legs.map((callId) => leg(callId)).join('\n'));
  await tableHas(running, token, legs.slice(0, 100));
  assert.equal((await getCalls(running, '')).status, 401);
  const list = { switch: 'fs1', live: legs.slice(1), listed_at: new Date(Date.now() + 60_000).toISOString() };
  assert.deepEqual((await running.reconcile(list)).body, { ended: 1, unknown: 2 });
  await running.ingest(leg('leg-000', 'CHANNEL_DESTROY'));
  const series = {
    firehose_calls_refused_legs_total: 2,
    'firehose_calls_ends_total{reason="reconciled"}': 1,
    'firehose_calls_ends_total{reason="silent"}': 0,
    firehose_calls_late_ends_total: 1,
    firehose_calls_rebuilds_total: 1,
    firehose_calls_behind_seconds: 0,
    'firehose_calls_snapshots_total{outcome="unavailable"}': 0,
  };
  for (const [name, value] of Object.entries(series))
    await until(name, () => valueOf(running, name), { holds: (seen) => seen === value });
  assert.ok((await valueOf(running, 'firehose_calls_entries_total')) >= 102);
  assert.ok((await valueOf(running, 'firehose_calls_snapshots_total{outcome="taken"}')) > 0);
});

test('a table that cannot be written is further behind from second to second, until it can', LIMIT, async () => {
  await using running = await open('behind:');
  const token = await running.token();
  await running.ingest(leg('a'));
  await tableHas(running, token, ['a']);
  const { legs } = callKeys('behind:', 0);
  await ask(redis.port, ['del', legs(ACCOUNT)]);
  await ask(redis.port, ['set', legs(ACCOUNT), 'not a hash']);
  await running.ingest(leg('b'));
  const behind = () => valueOf(running, 'firehose_calls_behind_seconds');
  await until('a table that is two seconds behind', behind, { holds: (seen) => seen > 2 });
  await ask(redis.port, ['del', legs(ACCOUNT)]);
  await until('a table at the end of the log', behind, { holds: (seen) => seen === 0 });
  await tableHas(running, token, ['b']);
});
