import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '../../testing/redis-process.ts';
import { encodeMeta } from '../../protocol/entry.ts';
import { encodeSourceGap, SOURCE_GAP, sourceGapId } from '../../protocol/source-gap.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { frames, untilFrame } from '../testing/frames.ts';
import { startGateway, type RunningGateway, type StartOptions } from '../testing/running-gateway.ts';
import { GAP, sourceGapSuite, TENANT } from './source-gap.suite.ts';

/** Each test has a Redis of its own. */
async function open(options: StartOptions): Promise<RunningGateway> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const running = stack.use(await startGateway({ ...options, redisUrl: redis.url }));
  const owned = stack.move();
  return { ...running, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

sourceGapSuite('Redis Streams', open, true);

test('S4: on two replicas, members of two accounts are notified once each, whichever replica reads the partition', async () => {
  await using redis = await startRedis();
  const names = { name: 'acme', stream: { partitions: 1 } };
  await using one = await startGateway({ ...names, redisUrl: redis.url });
  await using two = await one.another();
  const tokens = [await one.token(), await one.token(TENANT)];
  const clients = await Promise.all(
    tokens.flatMap((token) => [one, two].map((replica) => replica.connect(`?token=${token}&v=1&group=default`))),
  );
  for (const client of clients) await untilFrame(client, 'hello');
  const gap = { ...GAP, from: GAP.from + 7 };
  const meta = { name: SOURCE_GAP, account: '', callId: gap.source, ingestedAt: '', traceparent: '' };
  await ask(redis.port, [
    'xadd',
    'firehose:{0}:events',
    '*',
    'm',
    encodeMeta({ ...meta, eventId: sourceGapId(gap) }),
    'd',
    encodeSourceGap(gap),
  ]);
  const told = () => clients.map((client) => frames(client).filter(({ type }) => type === 'source_gap').length);
  await until('each of the four notified', () => told().join(), { holds: (seen) => seen === '1,1,1,1' });
  const pending = async () => (await ask(redis.port, ['xinfo', 'groups', 'firehose:{0}:events'])) as unknown[][];
  await until('no group with a pending entry', async () => (await pending()).map((group) => group[5]).join(), {
    holds: (seen) => seen === '0,0',
  });
  assert.deepEqual(told(), [1, 1, 1, 1]);
  for (const client of clients) client.close();
});
