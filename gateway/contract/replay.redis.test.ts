import { startRedis } from '../../testing/redis-server.ts';
import { replaySuite } from './replay.suite.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';

/** Each test has a Redis of its own: a replay contains everything that was ever put into a stream. */
async function open(): Promise<RunningGateway> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const running = stack.use(await startGateway({ redisUrl: redis.url }));
  const owned = stack.move();
  return { ...running, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

replaySuite('Redis Streams', open);
