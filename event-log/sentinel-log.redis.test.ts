import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import { silentLogger } from '../runtime/logging/logger.ts';
import { sentinelConnection, startSentinel, type RedisSentinel } from '../testing/redis-sentinel.ts';
import { eventLogSuite } from './event-log.suite.ts';
import { openRedisLog } from './redis-log.ts';

let sentinel: RedisSentinel;
before(async () => {
  sentinel = await startSentinel();
});
after(() => sentinel[Symbol.asyncDispose]());

eventLogSuite('Redis log behind sentinels', () =>
  openRedisLog({
    redis: sentinelConnection(sentinel.url),
    keyPrefix: `${randomUUID()}:`,
    partitions: 4,
    resource: 'test/log',
    retention: null,
    logger: silentLogger,
  }),
);
