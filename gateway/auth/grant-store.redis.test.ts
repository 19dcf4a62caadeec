import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { GrantStoreUnavailable, redisGrantStore } from './grant-store.ts';
import { grantStoreSuite } from './grant-store.suite.ts';

let server: RedisServer;
let client: RedisClient;
before(async () => {
  server = await startRedis();
  client = commandClient(server.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(client, 10_000));
});
after(async () => {
  client.disconnect();
  await server[Symbol.asyncDispose]();
});

let resources = 0;
const place = () => ({ prefix: 'test:', resource: `a/r${(resources += 1)}` });

grantStoreSuite('in Redis', () => redisGrantStore(client, place()));

test('in Redis: 200 logins of one user with one filter are one key, which ends with the last token', async () => {
  const { prefix, resource } = place();
  const store = redisGrantStore(client, { prefix, resource });
  const grant = { digest: 'd', grant: 'x'.repeat(60_000), owner: 'eva', ttlMs: 60_000 };
  await Promise.all(Array.from({ length: 200 }, () => store.put(grant)));
  const keys = await client.keys(`${prefix}${resource}:*`);
  assert.deepEqual(keys.toSorted(), [`${prefix}${resource}:grant:d`, `${prefix}${resource}:grants:eva`]);
  for (const key of keys) {
    const ttl = await client.pttl(key);
    assert.ok(ttl > 0 && ttl <= 60_000, `${key} ${ttl}`);
  }
});

test('in Redis: a server out of reach is unavailable', async () => {
  await using away = await startRedis();
  const other = commandClient(away.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(other, 10_000));
  const store = redisGrantStore(other, place());
  await away.kill();
  await assert.rejects(store.get('id'), GrantStoreUnavailable);
  await assert.rejects(store.put({ digest: 'd', grant: 'x', owner: 'eva', ttlMs: 1_000 }), GrantStoreUnavailable);
  other.disconnect();
});
