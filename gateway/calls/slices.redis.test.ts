import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { readAll, ringing } from './call-table.suite.ts';
import type { TableAt } from './call-table.ts';
import { createRedisTable } from './redis-table.ts';

const LEGS = 100_000;
const LARGE = 20_000;
const SMALL_ACCOUNTS = 800;
const BATCH = 2_000;
const LIVE: TableAt = { epoch: 'first', id: '0-0', phase: 'live', until: '0-0' };

/** 800 accounts of 100 legs, and one of 20,000, in one partition. */
function* legs() {
  for (let n = 0; n < LARGE; n += 1) yield { account: 'large', callId: `leg-${n}` };
  for (let n = 0; n < LEGS - LARGE; n += 1) yield { account: `account-${n % SMALL_ACCOUNTS}`, callId: `leg-${n}` };
}

it('LC5: reading 100,000 legs holds Redis for less than 5 ms at a time', async () => {
  await using server = await startRedis();
  const client = commandClient(server.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(client, 10_000));
  const table = createRedisTable({ client, keyPrefix: 'firehose:', partitions: 1 });
  await table.begin(0, null, LIVE);
  let at = LIVE;
  let batch: { account: string; callId: string; record: ReturnType<typeof ringing> }[] = [];
  for (const { account, callId } of legs()) {
    batch.push({ account, callId, record: ringing(account, callId) });
    if (batch.length < BATCH) continue;
    const to = { ...at, id: `${Number.parseInt(at.id) + 1}-0` };
    assert.ok(await table.write(0, { from: at, to, changes: batch }));
    at = to;
    batch = [];
  }
  await client.call('config', 'set', 'slowlog-log-slower-than', '5000');
  const accounts = await table.accounts(0);
  // A machine that takes the processor away from Redis for a moment makes other commands slow in each read; a slice that
  // is too large is slow in all of them.
  await until(
    'a read without a slow command',
    async () => {
      await client.call('slowlog', 'reset');
      const names = new Set((await readAll(table, accounts)).map((leg) => `${leg.account_id}/${leg.call_id}`));
      assert.equal(names.size, LEGS);
      await table.accounts(0);
      const slow = (await client.call('slowlog', 'get', '100')) as readonly (readonly [number, number, number])[];
      return slow.map(([, , microseconds]) => microseconds);
    },
    { holds: (seen) => seen.length === 0, limitMs: 60_000 },
  );
  client.disconnect();
});
