import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { streamKeys } from '../protocol/keys.ts';
import { partitionOf } from '../protocol/partition.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import type { RedisConnection } from '../runtime/redis/connection.ts';
import { clusterConnection, startCluster } from '../testing/redis-cluster.ts';
import { ask } from '../testing/redis-process.ts';
import { sentinelConnection, startSentinel } from '../testing/redis-sentinel.ts';
import { assertComplete, contentOf, followUntil, produce } from './testing/load.ts';
import { until } from '../testing/until.ts';
import { ends, event } from './event-log.suite.ts';
import type { EventLog, LogReader } from './event-log.ts';
import { openRedisLog } from './redis-log.ts';

const LIMIT = { timeout: 110_000 };
const PARTITIONS = 4;
const CALLS = 8;

function open(redis: RedisConnection, waitReplicas: number) {
  return openRedisLog({
    redis,
    keyPrefix: 'firehose:',
    partitions: PARTITIONS,
    resource: 'test/log',
    retention: null,
    waitReplicas,
    checkEveryMs: 500,
    logger: silentLogger,
  });
}

/** Entries of all partitions on this server. */
async function entriesOf(port: number): Promise<number> {
  const keys = Array.from({ length: PARTITIONS }, (_, partition) => streamKeys('firehose:', partition).events);
  const lengths = await Promise.all(keys.map((key) => ask(port, ['xlen', key])));
  return lengths.reduce<number>((sum, length) => sum + Number(length), 0);
}

/**
 * Under load: runs `fault`, then enough further load to show recovery. Afterwards the log contains everything
 * acknowledged, once and in order. So does the reader, unless it was notified otherwise: it may have seen entries that
 * no replica had yet, and this may be discovered after the load.
 */
async function survives(
  t: TestContext,
  given: { readonly redis: RedisConnection; readonly waitReplicas: number },
  fault: () => Promise<void>,
): Promise<void> {
  await using eventLog = await open(given.redis, given.waitReplicas);
  const start = await ends(eventLog);
  await using reader = eventLog.reader();
  await using load = produce(eventLog, CALLS);
  let isOver = false;
  // Each partition is read separately: the event that was read last need not be the last one.
  const following = followUntil(
    reader,
    start,
    (read, epochsLost) => isOver && (epochsLost > 0 || read.length >= load.acknowledged.size),
  );
  await until('more than 200 acknowledged', () => load.acknowledged.size, { holds: (seen) => seen > 200 });
  await fault();
  const before = load.acknowledged.size;
  await until('more than before + 400 acknowledged', () => load.acknowledged.size, {
    holds: (seen) => seen > before + 400,
  });
  await load.finish();
  assertComplete(await contentOf(eventLog), load.acknowledged);
  isOver = true;
  const { read, epochsLost } = await following;
  const gap = Math.round(load.longestGapMs());
  t.diagnostic(`${load.acknowledged.size} events, at most ${gap} ms without one, epochs lost: ${epochsLost}`);
  t.diagnostic(`failed: ${JSON.stringify([...load.failures])}`);
  if (epochsLost === 0) assertComplete(read, load.acknowledged);
  else await goesOn(eventLog, reader);
}

async function goesOn(eventLog: EventLog, reader: LogReader): Promise<void> {
  const position = await ends(eventLog);
  await eventLog.append([event('after')]);
  const { read } = await followUntil(reader, position, (found) => found.length > 0);
  assert.equal(read.length, 1);
}

// While an isolated old master lives on, the replicas that were not promoted still follow it and answer WAIT: the
// sentinels are asked as well.
describe('a Sentinel failover under load (I1, I2, I12)', () => {
  it('of a killed master loses and doubles nothing', LIMIT, async (t) => {
    await using sentinel = await startSentinel({ replicas: 2 });
    await survives(t, { redis: sentinelConnection(sentinel.url), waitReplicas: 1 }, async () => {
      const old = await sentinel.master();
      await old.kill();
      await sentinel.failedOver(old);
    });
  });

  for (const [replicas, waitReplicas] of [
    [2, 1],
    [3, 2],
  ] as const) {
    it(
      `of a master that stands still loses and doubles nothing, also when it continues afterwards (${waitReplicas} of ${replicas} replicas waited for)`,
      LIMIT,
      async (t) => {
        await using sentinel = await startSentinel({ replicas });
        await survives(t, { redis: sentinelConnection(sentinel.url), waitReplicas }, async () => {
          const old = await sentinel.master();
          process.kill(old.pid, 'SIGSTOP');
          await sentinel.failedOver(old);
          process.kill(old.pid, 'SIGCONT');
        });
      },
    );
  }

  it(
    'of a master that only the sentinels cannot reach, with one replica waited for, acknowledges nothing that is lost',
    LIMIT,
    async (t) => {
      await using sentinel = await startSentinel({ replicas: 2 });
      await survives(t, { redis: sentinelConnection(sentinel.url), waitReplicas: 1 }, async () => {
        const old = await sentinel.master();
        // Only their PING is refused: gateway and replicas stay with it, and notice nothing.
        await ask(old.port, ['acl', 'setuser', 'default', '-ping']);
        await sentinel.failedOver(old);
        await ask(old.port, ['acl', 'setuser', 'default', '+ping']);
      });
    },
  );

  it('that an operator asks for loses and doubles nothing', LIMIT, async (t) => {
    await using sentinel = await startSentinel({ replicas: 2 });
    await survives(t, { redis: sentinelConnection(sentinel.url), waitReplicas: 1 }, async () => {
      const old = await sentinel.master();
      await ask(sentinel.sentinelPorts[0] ?? 0, ['sentinel', 'failover', 'firehose-master']);
      await sentinel.failedOver(old);
    });
  });
});

it('a lagging replica that is promoted: what it lacks is told (I4)', LIMIT, async () => {
  await using sentinel = await startSentinel({ replicas: 1 });
  await using eventLog = await open(sentinelConnection(sentinel.url), 0);
  const start = await ends(eventLog);
  await using reader = eventLog.reader();
  await eventLog.append([event('kept')]);
  const old = await sentinel.master();
  const lagging = sentinel.servers.find((server) => server !== old);
  assert.ok(lagging);
  await until('1 entry on the lagging replica', () => entriesOf(lagging.port), { holds: (seen) => seen === 1 });
  // It follows no server any more, and the sentinels leave it like that for longer than this takes.
  await ask(lagging.port, ['replicaof', '127.0.0.1', 1]);
  await eventLog.append(Array.from({ length: 40 }, (_, at) => event(`lost-${at}`)));
  const { read } = await followUntil(reader, start, (found) => found.length === 41);
  assert.equal(read.length, 41);
  const position = await ends(eventLog);
  await old.kill();
  await sentinel.failedOver(old);
  const told = await followUntil(reader, position, (_, epochsLost) => epochsLost > 0);
  assert.ok(told.epochsLost > 0);
});

describe('a cluster under load (I1, I2, I12)', () => {
  it('whose master of a shard is killed goes on with its replica', LIMIT, async (t) => {
    await using cluster = await startCluster({ replicas: 2 });
    const { events } = streamKeys('firehose:', 0);
    await survives(t, { redis: clusterConnection(cluster.url), waitReplicas: 1 }, async () => {
      const old = await cluster.masterOf(events);
      await old.kill();
      await until('another master of the shard', async () => (await cluster.masterOf(events)).port, {
        holds: (seen) => seen !== old.port,
      });
    });
  });

  it('whose master is killed with what no replica has: what was read of it is told (I4)', LIMIT, async () => {
    await using cluster = await startCluster({ replicas: 1 });
    await using eventLog = await open(clusterConnection(cluster.url), 0);
    const start = await ends(eventLog);
    await using reader = eventLog.reader();
    const lost = event('lost');
    const old = await cluster.masterOf(streamKeys('firehose:', partitionOf(lost, PARTITIONS)).events);
    for (const { pid } of cluster.replicas) process.kill(pid, 'SIGSTOP');
    await ask(old.port, ['client', 'kill', 'type', 'replica']);
    await eventLog.append([lost]);
    const { read } = await followUntil(reader, start, (found) => found.length === 1);
    assert.equal(read.length, 1);
    const position = await ends(eventLog);
    await old.kill();
    for (const { pid } of cluster.replicas) process.kill(pid, 'SIGCONT');
    const { epochsLost } = await followUntil(reader, position, (_, epochs) => epochs > 0);
    assert.ok(epochsLost > 0);
    await goesOn(eventLog, reader);
  });

  it('keeps every event while the slots of its partitions are moved, key by key', LIMIT, async (t) => {
    await using cluster = await startCluster();
    await survives(t, { redis: clusterConnection(cluster.url), waitReplicas: 0 }, async () => {
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const { events } = streamKeys('firehose:', partition);
        const from = await cluster.masterOf(events);
        const to = cluster.masters.find((master) => master !== from);
        assert.ok(to);
        await cluster.moveSlot(events, to);
      }
    });
  });

  it(
    'goes on where shards are left, and says CLUSTERDOWN or that it cannot be reached for the one that is gone',
    LIMIT,
    async () => {
      await using cluster = await startCluster({ args: ['--cluster-require-full-coverage', 'no'] });
      await using eventLog = await open(clusterConnection(cluster.url), 0);
      const gone = await cluster.masterOf(streamKeys('firehose:', 0).events);
      const start = await ends(eventLog);
      await using reader = eventLog.reader();
      await using load = produce(eventLog, CALLS);
      const following = followUntil(reader, start, (read) => read.length > 400 && load.failures.size > 0);
      await until('more than 100 acknowledged', () => load.acknowledged.size, { holds: (seen) => seen > 100 });
      await gone.kill();
      const { read, epochsLost } = await following;
      assert.equal(epochsLost, 0);
      assert.ok(read.length > 400);
      assert.ok(
        [...load.failures.keys()].every((code) => /^(CLUSTERDOWN|CONNECTION_LOST|UNREACHABLE|TIMEOUT)$/.test(code)),
      );
      await gone.restart();
      await load.finish();
    },
  );
});
