import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startGateway } from '../../gateway/testing/running-gateway.ts';
import { callKeys } from '../../protocol/keys.ts';
import { ask } from '../../testing/redis-process.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { diagnose } from './doctor.ts';
import { ofCheck, settings } from './testing.ts';

const LIMIT = { timeout: 60_000 };
const KEPT = { stream: { partitions: 1 }, calls: { enabled: true } };
const NOT_KEPT = { stream: { partitions: 1 } };
const AT_THE_END = /^ok: the table is at the end of the log; .*: 1$/;
const CREATE = '{"Event-Name":"CHANNEL_CREATE","Call-ID":"c","Account-ID":"account_id_1"}';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());
beforeEach(() => ask(redis.port, ['flushall']));

/** `status: seen` of what the doctor finds of live calls, so much later. */
async function look(spec: object, laterMs = 0): Promise<string> {
  await using given = await settings(spec, { REDIS_URL: redis.url });
  const found = ofCheck(await diagnose(given.environment, () => Date.now() + laterMs), 'calls');
  for (const { status, fix } of found) assert.equal(fix === null, status === 'ok');
  return found.map(({ status, seen }) => `${status}: ${seen}`).join();
}

const gateway = (calls: object) => startGateway({ redisUrl: redis.url, stream: { partitions: 1 }, calls });

test(
  'a table that a gateway keeps, its remains that nobody wants, and one that falls behind without a gateway',
  LIMIT,
  async () => {
    {
      await using running = await gateway({ enabled: true });
      await running.ingest(CREATE);
      await until('a table at the end of the log', () => look(KEPT), { holds: (seen) => AT_THE_END.test(seen) });
    }
    assert.match(await look(NOT_KEPT), /^ok: 1 partitions have a table of live calls: of another resource, or removed/);
    {
      await using other = await gateway({ enabled: false });
      await other.ingest(CREATE.replace('"c"', '"d"'));
    }
    assert.match(await look(KEPT), AT_THE_END, 'less than 30 s behind');
    assert.match(await look(KEPT, 60_000), /^warn: the table of partition 0 is more than 30 s behind/);
  },
);

test('no table yet, and one that is being made as long as no gateway goes on with it', LIMIT, async () => {
  {
    await using running = await gateway({ enabled: false });
    await running.ingest(CREATE);
  }
  assert.equal(await look(NOT_KEPT), '');
  assert.match(await look(KEPT), /^ok: no table of live calls yet/);
  await ask(redis.port, ['set', callKeys('firehose:', 0).at, 'epoch 0-0 building 5-0']);
  assert.match(await look(KEPT), /^warn: the table of partition 0 is being made/);
  await using _ = await gateway({ enabled: true });
  await until('a table at the end of the log', () => look(KEPT), { holds: (seen) => AT_THE_END.test(seen) });
});
