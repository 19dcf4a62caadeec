import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewEvent } from '../../event-log/event-log.ts';
import { ENDED_MS } from '../../event-log/late-end.ts';
import { openRedisLog, type RedisLog } from '../../event-log/redis-log.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { createRandom } from '../../protocol/simulator/random.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { advance } from './advance.ts';
import type { CallTable, TableAt } from './call-table.ts';
import { createCallCounters } from './counters.ts';
import { reconcile } from './reconcile.ts';
import { createRedisTable } from './redis-table.ts';
import { newEventOf, simulatedEvents } from './testing/simulated-calls.ts';

const PLACE = { keyPrefix: 'firehose:', partitions: 2 };
const DAY_S = 86_400;
const CALLS_A_SECOND = 0.05;
const ACCOUNTS = Array.from({ length: 40 }, (_, n) => `account_${n}`);
const BATCH = 200;
/** Share of the calls whose switch sends no end. */
const SILENT = 0.05;
/** Keys that the log keeps for some time: ends that were given, and ids of events. */
const EXPIRING = [
  { name: 'ended', of: /:seen:\/ended\//, forMs: ENDED_MS },
  { name: 'seen', of: /:seen:/, forMs: 600_000 },
];

/** Brings the table of each partition to the end of the log. */
function keeperOf(table: CallTable, eventLog: RedisLog) {
  const ats = Array.from({ length: PLACE.partitions }, (): TableAt | null => null);
  const keep = async (partition: number) => {
    for (;;) {
      const step = await advance({ table, eventLog, partition }, ats[partition] ?? null, null);
      assert.notEqual(step.kind, 'refused');
      if (step.kind === 'refused') return;
      ats[partition] = step.at;
      if (step.kind === 'advanced' && !step.isMore && step.at.phase === 'live') return;
    }
  };
  return () => Promise.all(ats.map((_, partition) => keep(partition)));
}

/** All keys with their time to live, -1 for none. */
async function keysOf({ client }: RedisLog): Promise<ReadonlyMap<string, number>> {
  const keys = new Map<string, number>();
  for (let cursor = '0'; ;) {
    const [next, page] = (await client.call('scan', cursor, 'COUNT', '1000')) as [string, string[]];
    const left = await Promise.all(page.map((key) => client.pttl(key)));
    for (const [at, key] of page.entries()) keys.set(key, left[at] ?? 0);
    if (next === '0') return keys;
    cursor = next;
  }
}

test('LC6: after a simulated day no key of a call is left but those that expire, and the table is empty', async (t) => {
  await using server = await startRedis();
  const options = { ...PLACE, resource: 'test/day', retention: null, logger: silentLogger };
  await using eventLog = await openRedisLog({ redis: server.url, ...options });
  const table = createRedisTable({ client: eventLog.client, ...PLACE });
  const keep = keeperOf(table, eventLog);
  await keep();
  const ofNoCall = new Set((await keysOf(eventLog)).keys());
  for (let partition = 0; partition < PLACE.partitions; partition += 1)
    ofNoCall.add(streamKeys(PLACE.keyPrefix, partition).events);
  const random = createRandom('day');
  const isSaid = ({ name }: NewEvent) => name !== 'CHANNEL_DESTROY' || !random.chance(SILENT);
  const calls = simulatedEvents({ seconds: DAY_S, callsPerSecond: CALLS_A_SECOND, accounts: ACCOUNTS, seed: 'day' });
  const events = calls.map(newEventOf).filter(isSaid);
  for (let at = 0; at < events.length; at += BATCH) {
    await eventLog.append(events.slice(at, at + BATCH));
    await keep();
  }
  const begun = new Set(events.map(({ account, callId }) => `${account} ${callId}`)).size;
  const ended = events.filter(({ name }) => name === 'CHANNEL_DESTROY').length;
  const nodes = events.map(({ data }) => String((JSON.parse(data.toString()) as { Node?: string }).Node));
  const list = { switch: new Set(nodes), live: new Set<string>(), listedAt: Date.now() + 1_000, startedAt: null };
  const parts = { table, partitions: PLACE.partitions, counters: createCallCounters(), lateEnd: 'Amend' as const };
  await reconcile(parts, [list], { mayEnd: () => true, now: Date.now, pause: () => Promise.resolve() });
  assert.equal(parts.counters.ends.reconciled, begun - ended);
  await keep();
  const kinds = new Map<string, number>();
  for (const [key, left] of await keysOf(eventLog)) {
    if (ofNoCall.has(key)) continue;
    const kind = EXPIRING.find(({ of }) => of.test(key));
    assert.ok(kind !== undefined && left > 0 && left <= kind.forMs, `${key} is left, for ${left} ms`);
    kinds.set(kind.name, (kinds.get(kind.name) ?? 0) + 1);
  }
  for (let partition = 0; partition < PLACE.partitions; partition += 1)
    assert.deepEqual(await table.accounts(partition), []);
  assert.equal(kinds.get('ended'), begun - ended);
  t.diagnostic(`${begun} calls, ${events.length} events, then ${JSON.stringify([...kinds])}`);
});
