import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedLogger } from '../testing/recorded-logger.ts';
import { ask } from '../testing/redis-process.ts';
import { startRedis } from '../testing/redis-server.ts';
import { openRedisLog } from './redis-log.ts';

test('an append that a stop cuts off is answered as failed, and logs no error', { timeout: 60_000 }, async () => {
  await using redis = await startRedis();
  const { lines, logger } = recordedLogger();
  const place = {
    redis: redis.url,
    keyPrefix: 'stop:',
    partitions: 4,
    waitReplicas: 0,
    retention: null,
    resource: null,
  };
  const eventLog = await openRedisLog({ ...place, logger });
  assert.equal(eventLog.place.hosts, new URL(redis.url).host);
  await ask(redis.port, ['client', 'pause', 30_000, 'write']);
  const event = { name: 'DTMF', account: 'a', callId: 'c', eventId: 'e', traceparent: '', data: Buffer.from('{}') };
  const appending = eventLog.append([event]);
  await eventLog[Symbol.asyncDispose]();
  assert.deepEqual(
    (await appending).map(({ outcome }) => outcome),
    ['failed'],
  );
  const errors = lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
  assert.deepEqual(errors, []);
});
