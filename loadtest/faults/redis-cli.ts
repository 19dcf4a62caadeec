import { Redis } from 'ioredis';

/** One command to the Redis of a run, on a connection of its own. */
export async function redisCommand(port: number, command: string, ...args: string[]): Promise<unknown> {
  const redis = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 1 });
  // The command below is rejected with it.
  redis.on('error', () => undefined);
  try {
    return await redis.call(command, ...args);
  } finally {
    redis.disconnect();
  }
}
