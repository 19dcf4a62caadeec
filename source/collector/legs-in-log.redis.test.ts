import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sourceKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import type { MappedEvent } from '../mapper.ts';
import { LegsInLog } from './legs-in-log.ts';

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

const event = (name: string, callId: string) =>
  ({ name, callId, account: 'acme', eventId: `fs.${callId}.${name}`, json: '{}' }) as MappedEvent;

test('S3: a leg that ended while its leader had no lease is not open for ever', async () => {
  const keys = sourceKeys('firehose:', 'voice/pbx');
  const legs = new LegsInLog(client, keys, 'fs1');
  await client.set(keys.lead('fs1'), 'a:1');
  for (const callId of ['ended', 'open']) legs.note(event('CHANNEL_CREATE', callId));
  legs.note(event('CHANNEL_ANSWER', 'open'));
  await legs.flush('a:1');
  await client.set(keys.lead('fs1'), 'b:1');
  legs.note(event('CHANNEL_DESTROY', 'ended'));
  legs.note(event('CHANNEL_CREATE', 'begun'));
  await legs.flush('a:1');
  assert.deepEqual(
    [...(await legs.read()).keys()].toSorted(),
    ['ended', 'open'],
    'without the lease nothing is written',
  );
  legs.forgetLegs();
  await client.set(keys.lead('fs1'), 'a:2');
  await legs.flush('a:2');
  const left = await legs.read();
  assert.deepEqual([...left.keys()], ['open'], 'the other one may know more of a leg that began');
  assert.equal(left.get('open')?.isAnswered, true);
});
