import { startRedis } from '../../testing/redis-server.ts';
import { startGateway, type RunningGateway, type StartOptions } from '../testing/running-gateway.ts';
import { sourceGapSuite } from './source-gap.suite.ts';

/** A Redis of its own for each test. */
async function open(options: StartOptions): Promise<RunningGateway> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const running = stack.use(await startGateway({ ...options, redisUrl: redis.url }));
  const owned = stack.move();
  return { ...running, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

sourceGapSuite('Redis Streams', open, true);
