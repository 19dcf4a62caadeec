import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sourceKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { gapStore } from '../collector/gaps.ts';
import type { Look } from './look.ts';
import {
  forgetMarkers,
  noteMarkers,
  readMarkers,
  recordLook,
  type CoveragePlace,
  type Overflow,
  type Recorded,
} from './coverage.ts';

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

/** Names of markers in a test; each look asks for those that the previous one has set. */
let marked = 0;
const good = (at: number, base = ''): Look => ({ at, base, verifiedAt: null, lost: null, waiting: 0, expired: null });
function lost(
  at: number,
  { base = '', verifiedAt = null as number | null, reason = 'bindings_lost' as const } = {},
): Look {
  marked += 1;
  return { at, base, verifiedAt, lost: { reason, markers: `m${marked}` }, waiting: 0, expired: null };
}
const shown = ({ gaps }: Recorded) => gaps.map(({ reason, from, to }) => [reason, from, to]);
const settle = (of: CoveragePlace, look: Look, boundAt = look.at, overflow: Overflow | null = null) =>
  recordLook(of, look, { boundAt, ttlMs: TTL_MS, overflow });
const record = async (...given: Parameters<typeof settle>) => shown(await settle(...given));

const T = 1_763_979_370_000;

test('the first bindings of a source are no loss', async () => {
  assert.deepEqual(await record(place(), lost(T)), []);
});

test('S4: a loss is one gap, from the last look of any replica to the new bindings, however many replicas find it', async () => {
  const at = place();
  await record(at, good(T));
  await record(at, good(T + 5_000));
  const gap = ['bindings_lost', T + 5_000, T + 9_000];
  const first = lost(T + 8_000);
  assert.deepEqual(await record(at, first, T + 9_000), [gap]);
  const other = await settle(at, lost(T + 9_100), T + 9_900);
  assert.equal(other.isInForce, false, 'it found the absence of markers that were replaced by then');
  assert.deepEqual(shown(other), [gap]);
  const base = await readMarkers(at);
  assert.equal(base, first.lost?.markers);
  assert.deepEqual(await record(at, good(T + 14_000, base)), [gap], 'it stays until the log has it');
  const store = gapStore(client, at.keys, at.endpoint);
  const [pending] = await store.pending();
  assert.equal(pending?.source, at.source);
  await store.passed(pending === undefined ? [] : [pending]);
  assert.deepEqual(await record(at, good(T + 19_000, base)), []);
  const second = await record(at, lost(T + 24_000, { base }), T + 24_500);
  assert.deepEqual(second, [['bindings_lost', T + 19_000, T + 24_500]], 'a second loss is another gap');
});

test('a look that does not know which markers are in force changes nothing but overflows', async () => {
  const at = place();
  await record(at, lost(T));
  const blind = { ...good(T + 5_000), base: null };
  const overflow = { from: T + 1_000, to: T + 4_000 };
  const found = await settle(at, blind, T + 5_000, overflow);
  assert.equal(found.isInForce, false);
  assert.deepEqual(shown(found), [['queue_overflow', overflow.from, overflow.to]]);
  assert.equal(await client.hget(at.keys.positions, at.endpoint), String(T));
});

test('markers that are in force no more, or never were, are stale until they are forgotten', async () => {
  const at = place();
  const first = lost(T);
  await noteMarkers(at, 'crashed', '');
  await noteMarkers(at, first.lost?.markers ?? '', '');
  assert.deepEqual((await settle(at, first)).stale, ['crashed']);
  const base = await readMarkers(at);
  await noteMarkers(at, 'under-way', base);
  assert.deepEqual((await settle(at, good(T + 5_000, base))).stale, ['crashed'], 'a replica may be about to set those');
  const second = lost(T + 6_000, { base });
  const { stale } = await settle(at, second);
  assert.deepEqual(stale.toSorted(), [base, 'crashed', 'under-way'].toSorted());
  await forgetMarkers(at, stale);
  assert.deepEqual((await settle(at, good(T + 9_000, await readMarkers(at)))).stale, []);
  assert.deepEqual(Object.keys(await client.hgetall(at.keys.positions)).toSorted(), ['broker', 'broker/markers']);
});

test('a replica that found the bindings while Redis was away knows that they were there', async () => {
  const at = place();
  await record(at, good(T));
  assert.deepEqual(await record(at, lost(T + 90_000, { verifiedAt: T + 80_000 }), T + 91_000), [
    ['bindings_lost', T + 80_000, T + 91_000],
  ]);
});

test('a second call after a lost reply records nothing twice', async () => {
  const at = place();
  await record(at, good(T));
  const look = lost(T + 1_000);
  const first = await settle(at, look, T + 2_000);
  assert.equal(first.isInForce, true);
  assert.deepEqual(await settle(at, look, T + 2_000), first);
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
