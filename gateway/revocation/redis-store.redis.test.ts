import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { redisRevocationStore } from './redis-store.ts';
import { LIFETIME_US } from './revocation.ts';
import { RevocationsUnavailable } from './revocation-store.ts';
import { revocationStoreSuite } from './revocation-store.suite.ts';

let redis: RedisServer;
let client: RedisClient;
before(async () => {
  redis = await startRedis();
  client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(client, 10_000));
});
after(async () => {
  client.disconnect();
  await redis.stop();
});

let resources = 0;
async function fresh() {
  resources += 1;
  const place = { prefix: 'test:', resource: `a/r${resources}` };
  return {
    key: `test:a/r${resources}:revoked`,
    open: async () => redisRevocationStore(client, place),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

revocationStoreSuite('revocations in Redis', fresh);

test('what is over is pruned by the next revocation, and the key ends with its last entry', async () => {
  const at = await fresh();
  const store = await at.open();
  const over = Date.now() * 1_000 - LIFETIME_US - 1;
  await client.zadd(at.key, String(over), 'jti:old');
  await store.revoke('jti:new', 0);
  assert.deepEqual(await client.zrange(at.key, '0', '-1'), ['jti:new']);
  const lasts = await client.pttl(at.key);
  assert.ok(lasts > 0 && lasts <= LIFETIME_US / 1_000, String(lasts));
});

test('entries that no gateway wrote are skipped', async () => {
  const at = await fresh();
  const store = await at.open();
  const mark = await store.revoke('jti:a', 0);
  await client.zadd(at.key, '-inf', 'jti:b', '1.5', 'jti:c', '5', 'everybody', '5', 'user:x');
  assert.deepEqual((await store.read(null))?.list, new Map([['jti:a', mark]]));
});

test('a score beyond all marks makes revoking fail, not look done', async () => {
  const at = await fresh();
  await client.zadd(at.key, '+inf', 'jti:z');
  await assert.rejects((await at.open()).revoke('jti:a', 0), RevocationsUnavailable);
});

test('reading goes on while Redis refuses writes', async () => {
  const at = await fresh();
  const store = await at.open();
  await store.revoke('jti:a', 0);
  await client.config('SET', 'min-replicas-to-write', '1');
  try {
    await assert.rejects(
      store.revoke('jti:b', 0),
      (error) => error instanceof RevocationsUnavailable && error.code === 'NOREPLICAS',
    );
    assert.equal((await store.read(null))?.list.size, 1);
  } finally {
    await client.config('SET', 'min-replicas-to-write', '0');
  }
});
