import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { ringing } from './call-table.suite.ts';
import { FIRST_SLICE, SLICE_LEGS, type Slice, type SlicePlace, type TableAt } from './call-table.ts';
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
  using disposables = new DisposableStack();
  const client = commandClient(server.url, { logger: silentLogger, name: 'test' });
  disposables.defer(() => client.disconnect());
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
  const accounts = await table.accounts(0);
  assert.equal(accounts.length, SMALL_ACCOUNTS + 1);
  const names = new Set<string>();
  let longest = 0;
  for (let place: SlicePlace | null = FIRST_SLICE; place !== null;) {
    const before = await processorMs(client);
    const slice: Slice | null = await table.slice(0, accounts, place);
    longest = Math.max(longest, (await processorMs(client)) - before);
    assert.ok(slice !== null && slice.records.length <= 2 * SLICE_LEGS);
    for (const leg of slice.records) names.add(`${leg.account_id}/${leg.call_id}`);
    place = slice.next;
  }
  assert.equal(names.size, LEGS);
  assert.ok(longest < 5, `a slice took ${longest.toFixed(1)} ms of Redis`);
});

/** CPU time of the server until now: other load of the machine does not count. */
async function processorMs(client: RedisClient): Promise<number> {
  const info = String(await client.call('info', 'cpu'));
  const seconds = ['user', 'sys'].map((kind) => Number(new RegExp(`used_cpu_${kind}:([0-9.]+)`).exec(info)?.[1]));
  return seconds.reduce((sum, one) => sum + one, 0) * 1_000;
}
