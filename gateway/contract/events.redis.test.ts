import { after, before } from 'node:test';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { startGateway } from '../testing/running-gateway.ts';
import { eventsSuite } from './events.suite.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

let resources = 0;
eventsSuite('Redis Streams', (options = {}) => {
  resources += 1;
  // Each test has streams of its own: equal events of two tests would be duplicates.
  const keyPrefix = `events-${resources}:`;
  return startGateway({ ...options, redisUrl: redis.url, redis: { keyPrefix } });
});
