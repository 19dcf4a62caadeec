import assert from 'node:assert/strict';
import { it } from 'node:test';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { becomesReady, blockingClient, commandClient } from './client.ts';
import { redisErrorCode } from './error-code.ts';

/** The next `count` occurrences of an event. Not `once` of node:events, which an `error` event ends. */
function times(client: ReturnType<typeof commandClient>, name: string, count: number): Promise<void> {
  let seen = 0;
  return new Promise((resolve) => client.on(name, () => (seen += 1) === count && resolve()));
}

it('logs an outage once, however often it tries, and its end', async () => {
  const redis = await startRedis();
  const { lines, logger } = recordedLogger();
  const client = commandClient(redis.url, { logger, name: 'test' });
  assert.ok(await becomesReady(client, 10_000));
  const tried = times(client, 'reconnecting', 4);
  await redis.kill();
  await tried;
  const ready = times(client, 'ready', 1);
  await redis.restart();
  await ready;
  client.disconnect();
  await redis.stop();
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
    ['Redis is not available', 'Redis is available again'],
  );
});

it('never logs the password, right or wrong', async () => {
  await using redis = await startRedis({ args: ['--requirepass', 'canary-right'] });
  const { lines, logger } = recordedLogger();
  const client = commandClient(`redis://user:canary-wrong@127.0.0.1:${redis.port}`, { logger, name: 'test' });
  await times(client, 'reconnecting', 2);
  client.disconnect();
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /WRONGPASS/);
  assert.doesNotMatch(lines.join(''), /canary/);
});

it('settles every command when the connection is cut, and when the server stands still (I11)', async () => {
  await using redis = await startRedis();
  const { logger } = recordedLogger();
  const client = commandClient(redis.url, { logger, name: 'test' });
  assert.ok(await becomesReady(client, 10_000));
  process.kill(redis.pid, 'SIGSTOP');
  const stuck = client.get('key').then(String, redisErrorCode);
  assert.equal(await stuck, 'TIMEOUT');
  const cut = client.get('key').then(String, redisErrorCode);
  await redis.kill();
  assert.match(await cut, /CONNECTION_LOST|UNREACHABLE/);
  client.disconnect();
});

it('ends a blocking client with its connection', async () => {
  await using redis = await startRedis();
  const { logger } = recordedLogger();
  const client = blockingClient(redis.url, { logger, name: 'test' });
  await client.connect();
  const reading = client.callBuffer('xread', 'BLOCK', 60_000, 'STREAMS', 'stream', '$').then(String, redisErrorCode);
  await redis.kill();
  assert.equal(await reading, 'CONNECTION_LOST');
  assert.equal(client.status, 'end');
});
