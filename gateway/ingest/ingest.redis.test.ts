import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { openRedisLog } from '../../event-log/redis-log.ts';
import { createIngest } from './ingest.ts';
import { fixture, held, ingestSuite } from './ingest.suite.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

function open() {
  const keyPrefix = `${randomUUID()}:`;
  return openRedisLog({
    redis: redis.url,
    keyPrefix,
    partitions: 4,
    resource: 'test/log',
    retention: null,
    logger: silentLogger,
  });
}

ingestSuite('Redis log', open);

it('answers 503 for what the log cannot take, and takes it when it is sent again', async () => {
  await using eventLog = await open();
  const ingest = createIngest({ eventLog, judgeAccount: () => 'offered' });
  const body = fixture('call-events-2015');
  await redis.kill();
  const answer = await ingest(body, { contentType: '' });
  assert.ok(answer.kind === 'answered' && answer.status === 503);
  assert.equal(answer.answer.failed, 3);
  assert.ok(answer.answer.events.every((event) => event.status === 'failed' && event.code && event.id));
  await redis.restart();
  assert.ok(await becomesReady(eventLog.client, 10_000));
  const again = await ingest(body, { contentType: '' });
  assert.ok(again.kind === 'answered' && again.status === 200);
  assert.equal(again.answer.accepted + again.answer.duplicate, 3);
  assert.equal((await held(eventLog)).length, 3);
});
