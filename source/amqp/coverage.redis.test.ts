import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sourceKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { gapStore } from '../collector/gaps.ts';
import type { Look } from './consumer.ts';
import { recordLook, type CoveragePlace, type Overflow } from './coverage.ts';

const TTL_MS = 3_600_000;

let redis: RedisServer;
let client: RedisClient;
before(async () => {
  redis = await startRedis();
  client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(client, 30_000));
});
after(async () => {
  client.disconnect();
  await redis.stop();
});

let count = 0;
function place(): CoveragePlace {
  count += 1;
  const source = `voice/kazoo${count}`;
  return { client, keys: sourceKeys('firehose:', source), source, endpoint: 'broker', replica: 'a' };
}

const good = (at: number): Look => ({ at, verifiedAt: null, lost: null, waiting: 0, expired: null });
const lost = (seenAt: number, verifiedAt: number | null = null, at = seenAt): Look => ({
  at,
  verifiedAt,
  lost: { reason: 'bindings_lost', seenAt },
  waiting: 0,
  expired: null,
});
const record = async (of: CoveragePlace, look: Look, boundAt = look.at, overflow: Overflow | null = null) =>
  (await recordLook(of, look, { boundAt, ttlMs: TTL_MS, overflow })).map(({ reason, from, to }) => [reason, from, to]);

const T = 1_763_979_370_000;

test('the first bindings of a source are no loss', async () => {
  assert.deepEqual(await record(place(), lost(T)), []);
});

test('S4: a loss is one gap, from the last look of any replica to the new bindings, however many replicas report it', async () => {
  const at = place();
  await record(at, good(T));
  await record(at, good(T + 5_000));
  const gap = ['bindings_lost', T + 5_000, T + 9_000];
  assert.deepEqual(await record(at, lost(T + 8_000), T + 9_000), [gap]);
  assert.deepEqual(await record(at, lost(T + 8_500), T + 9_900), [gap], 'the other replica saw the same loss');
  assert.deepEqual(await record(at, good(T + 14_000)), [gap], 'it stays until the log has it');
  const store = gapStore(client, at.keys, at.endpoint);
  const [pending] = await store.pending();
  assert.equal(pending?.source, at.source);
  await store.passed(pending === undefined ? [] : [pending]);
  assert.deepEqual(await record(at, good(T + 19_000)), []);
});

test('a replica that found the bindings while Redis was away knows that they were there', async () => {
  const at = place();
  await record(at, good(T));
  assert.deepEqual(await record(at, lost(T + 90_000, T + 80_000), T + 91_000), [
    ['bindings_lost', T + 80_000, T + 91_000],
  ]);
});

test('a second call after a lost reply records nothing twice', async () => {
  const at = place();
  await record(at, good(T));
  const first = await record(at, lost(T + 1_000), T + 2_000);
  assert.deepEqual(await record(at, lost(T + 1_000), T + 2_000), first);
});

test('messages that all replicas let grow too old are an overflow', async () => {
  const at = place();
  await record(at, good(T));
  assert.deepEqual(await record(at, good(T + TTL_MS)), [], 'none is older than it may be');
  const back = T + TTL_MS + 2 * TTL_MS;
  assert.deepEqual(await record(at, good(back)), [['queue_overflow', T + TTL_MS, back - TTL_MS]]);
});

test('one overflow that both replicas saw is one gap', async () => {
  const at = place();
  await record(at, good(T));
  const one = { from: T + 5_000, to: T + 30_000 };
  const gap = ['queue_overflow', one.from, one.to];
  assert.deepEqual(await record(at, good(T + 29_000), T + 30_000, one), [gap]);
  assert.deepEqual(await record(at, good(T + 31_000), T + 32_000, { from: T + 7_000, to: T + 32_000 }), [gap]);
});

test('an overflow whose begin nobody saw begins with the last look of any replica', async () => {
  const at = place();
  await record(at, good(T));
  const found = await record(at, good(T + 60_000), T + 60_000, { from: 0, to: T + 60_000 });
  assert.deepEqual(found, [['queue_overflow', T, T + 60_000]]);
});
