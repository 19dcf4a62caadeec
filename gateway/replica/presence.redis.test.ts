import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, it } from 'node:test';
import { replicaKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { Presence, type PresenceOptions } from './presence.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

async function beating(keyPrefix: string, replica: string, options: Partial<PresenceOptions> = {}) {
  const client = commandClient(redis.url, { logger: silentLogger, name: 'test:heartbeat' });
  assert.ok(await becomesReady(client, 10_000));
  let seen: readonly string[] = [];
  const everSeen = new Set<string>();
  let beats = 0;
  const place = { client, keyPrefix, resource: 'voice/acme', replica };
  const heartbeat = new Presence({ ...place, everyMs: 50, aliveMs: 5_000, logger: silentLogger, ...options });
  heartbeat.onReplicas((replicas) => {
    beats += 1;
    seen = replicas.map((one) => `${one.replica}:${Object.keys(one.heartbeat.groups).join()}`).sort();
    everSeen.add(seen.join(' '));
  });
  heartbeat.start(() => ({ keys: [], connections: 0, groups: { [replica]: 1 }, revision: '', leaving: false }));
  return {
    client,
    heartbeat,
    seen: () => seen.join(' '),
    hasSeen: (replicas: string) => everSeen.has(replicas),
    beats: () => beats,
    async [Symbol.asyncDispose]() {
      await heartbeat[Symbol.asyncDispose]();
      client.disconnect();
    },
  };
}

it('replicas see each other and what they say, and one that leaves is gone at once', async () => {
  const keyPrefix = `${randomUUID()}:`;
  await using one = await beating(keyPrefix, 'one');
  const two = await beating(keyPrefix, 'two');
  await until('heartbeats one:one two:two', () => one.seen(), { holds: (seen) => seen === 'one:one two:two' });
  await two[Symbol.asyncDispose]();
  await until('heartbeats one:one', () => one.seen(), { holds: (seen) => seen === 'one:one' });
  assert.equal(await one.client.zcard(replicaKeys(keyPrefix, 'voice/acme').seen), 1);
});

it('one that falls silent counts as gone after its time, also while its record is still there', async () => {
  const keyPrefix = `${randomUUID()}:`;
  await using one = await beating(keyPrefix, 'one', { aliveMs: 2_000 });
  await using two = await beating(keyPrefix, 'two', { everyMs: 3_600_000 });
  await until('heartbeats one:one two:two', () => one.hasSeen('one:one two:two'));
  await until('heartbeats one:one', () => one.seen(), { holds: (seen) => seen === 'one:one' });
  assert.equal(two.beats(), 1);
  assert.equal(await one.client.exists(replicaKeys(keyPrefix, 'voice/acme').heartbeat('two')), 1);
});

it('a wish that comes during a beat is a beat of its own', async () => {
  await using one = await beating(`${randomUUID()}:`, 'one', { everyMs: 3_600_000 });
  await Promise.all([one.heartbeat.beat(), one.heartbeat.beat(), one.heartbeat.beat()]);
  assert.equal(one.beats(), 2);
});

it('a record that cannot be read is passed over', async () => {
  const keyPrefix = `${randomUUID()}:`;
  await using one = await beating(keyPrefix, 'one');
  const keys = replicaKeys(keyPrefix, 'voice/acme');
  await one.client.zadd(keys.seen, Date.now() + 60_000, 'broken');
  await one.client.set(keys.heartbeat('broken'), '{"groups":7}');
  const before = one.beats();
  await until('more than two more heartbeats', () => one.beats(), { holds: (seen) => seen > before + 2 });
  assert.equal(one.seen(), 'one:one');
});
