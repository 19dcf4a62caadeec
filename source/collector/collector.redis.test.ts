import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { FakeSwitch } from '../testing/fake-switch.ts';
import { freeswitchListing } from '../testing/listings.ts';
import { manyCalls } from '../testing/many-calls.ts';
import { mapAll, recording } from '../testing/recordings.ts';
import { startReplica, stored } from './testing/replicas.ts';

let redis: RedisServer;
let reader: RedisClient;
before(async () => {
  redis = await startRedis();
  reader = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(reader, 30_000));
});
after(async () => {
  reader.disconnect();
  await redis.stop();
});

const source = recording('freeswitch-1.11/esl/answered_caller_hangs_up');

test('two replicas tell each event once, in the order of each leg', { timeout: 60_000 }, async () => {
  const keyPrefix = 'first:';
  const fs1 = new FakeSwitch({
    now: Date.now,
    listing: (said) => freeswitchListing(said.map((event) => ({ event, received: 0 }))),
  });
  const endpoints = (replica: string) => [
    { name: 'fs1', switch: fs1.of(replica), createMapper: () => source.mapper() },
  ];
  await using first = await startReplica('a', { redis: redis.url, keyPrefix, endpoints: endpoints('a') });
  await using second = await startReplica('b', { redis: redis.url, keyPrefix, endpoints: endpoints('b') });
  await until('both live', () => first.isLive('fs1') && second.isLive('fs1'));
  const events = manyCalls([source, recording('freeswitch-1.11/esl/other_tenant')], { copies: 20, seed: 'one' });
  await until('one that leads', () => first.leads('fs1') || second.leads('fs1'));
  fs1.say(events);
  const expected = mapAll(
    source.mapper(),
    events.map((event) => ({ event, received: 0 })),
  );
  const entries = await until('all events in the log', () => stored(reader, keyPrefix), {
    holds: (seen) => seen.length >= expected.length,
  });
  const orderOf = (all: readonly { callId: string; eventId: string }[]) =>
    Object.fromEntries(
      [...Map.groupBy(all, ({ callId }) => callId)].map(([id, leg]) => [id, leg.map((e) => e.eventId)]),
    );
  assert.deepEqual(orderOf(entries), orderOf(expected));
});
