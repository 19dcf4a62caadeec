import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { startGateway } from '../testing/running-gateway.ts';

test('a stop with a Redis, an open stream and a group logs no error', { timeout: 60_000 }, async () => {
  await using redis = await startRedis();
  const { lines, logger } = recordedLogger();
  {
    await using running = await startGateway({ redisUrl: redis.url, groups: [{ name: 'default' }], logger });
    const token = await running.token();
    const [plain, member] = await Promise.all([
      running.connect(`?token=${token}`),
      running.connect(`?token=${token}&group=default&v=1`),
    ]);
    await member.received(1);
    await running.ingest('{"Event-Name":"DTMF","Call-ID":"c","Account-ID":"account_id_1"}');
    await plain.received(1);
  }
  const errors = lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
  assert.deepEqual(errors, []);
});
