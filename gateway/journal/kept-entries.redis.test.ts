import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { KeptEntries } from './kept-entries.ts';

let redis: RedisServer;
let client: RedisClient;
before(async () => {
  redis = await startRedis();
  client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  await becomesReady(client, 30_000);
});
after(async () => {
  client.disconnect();
  await redis.stop();
});

const all = () => true;
const add = (key: string, text: string, ...trim: string[]) => client.call('xadd', key, ...trim, '*', 'e', text);

test('what was read is not read again, and new entries, trimmed ones and another stream are noticed', async () => {
  const kept = new KeptEntries(client, 'journal');
  assert.deepEqual(await kept.matching(all), { texts: [], first: null });
  for (let n = 0; n < 4_500; n += 1) void add('journal', `e${n}`);
  assert.equal((await kept.matching(all)).texts.length, 4_500);
  const readSoFar = async () => Number(/total_net_output_bytes:(\d+)/.exec(await client.info('stats'))?.[1]);
  const before = await readSoFar();
  await add('journal', 'newest');
  const { texts } = await kept.matching((text) => text.startsWith('e449') || text === 'newest');
  assert.deepEqual(texts, ['e449', ...Array.from({ length: 10 }, (_, n) => `e449${n}`), 'newest']);
  // Statistics of Redis themselves have some kilobytes.
  assert.ok((await readSoFar()) - before < 20_000);
  await add('journal', 'last', 'MAXLEN', '3');
  assert.deepEqual((await kept.matching(all)).texts, ['e4499', 'newest', 'last']);
  await client.del('journal');
  await add('journal', 'of another stream');
  assert.deepEqual((await kept.matching(all)).texts, ['of another stream']);
});

test('questions at once see what was written before each of them', async () => {
  const kept = new KeptEntries(client, 'other');
  const asked = Array.from({ length: 20 }, async (_, n) => {
    await add('other', `e${n}`);
    return (await kept.matching((text) => text === `e${n}`)).texts;
  });
  assert.deepEqual(
    await Promise.all(asked),
    Array.from({ length: 20 }, (_, n) => [`e${n}`]),
  );
});
