import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger } from '../runtime/logging/logger.ts';
import { ask } from '../testing/redis-process.ts';
import { isInStep } from '../testing/redis-sentinel.ts';
import { startRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { accepted, event, readAll, ends } from './event-log.suite.ts';
import { openRedisLog } from './redis-log.ts';

const LIMIT = { timeout: 60_000 };

it('an event is acknowledged once a replica has it, and known again until then', LIMIT, async () => {
  await using master = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  await using replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] });
  await isInStep(replica);
  await until('a replica that the master counts', async () =>
    String(await ask(master.port, ['info', 'replication'])).includes('state=online'),
  );
  const given = { keyPrefix: 'firehose:', partitions: 2, resource: 'test/log', retention: null, logger: silentLogger };
  await using eventLog = await openRedisLog({ ...given, redis: master.url, waitReplicas: 1 });
  const start = await ends(eventLog);
  assert.deepEqual(accepted(await eventLog.append([event('a'), event('b'), event('c')])), Array(3).fill('accepted'));
  process.kill(replica.pid, 'SIGSTOP');
  const late = [event('a'), event('b')];
  assert.deepEqual(accepted(await eventLog.append(late)), ['failed NOREPLICAS', 'failed NOREPLICAS']);
  assert.deepEqual(
    accepted(await eventLog.append(late)),
    ['failed NOREPLICAS', 'failed NOREPLICAS'],
    'not yet, though known',
  );
  process.kill(replica.pid, 'SIGCONT');
  let outcomes = accepted(await eventLog.append(late));
  while (outcomes.some((outcome) => outcome.startsWith('failed'))) outcomes = accepted(await eventLog.append(late));
  assert.deepEqual(outcomes, ['duplicate', 'duplicate']);
  await using reader = eventLog.reader();
  assert.equal((await readAll(reader, start, 5)).length, 5);
  // An acknowledged event is on the replica, with its idempotency key.
  await using promoted = await openRedisLog({ ...given, redis: replica.url });
  await promoted.client.call('replicaof', 'no', 'one');
  assert.deepEqual(accepted(await promoted.append(late)), ['duplicate', 'duplicate']);
});
