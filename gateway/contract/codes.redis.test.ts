import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aclRules } from '../../runtime/redis/acl.ts';
import { ask } from '../../testing/redis-process.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { directoryOfMany, MANY } from '../testing/many-accounts.ts';
import { events, frames, untilEvents, untilFrame } from '../testing/frames.ts';
import { ADMIN, Refused, startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';
import { getCalls } from './calls.suite.ts';
import { event } from './gateway.suite.ts';

const LIMIT = { timeout: 90_000 };
const PASSWORD = 'secret';

async function refusalOf(connecting: Promise<Client>): Promise<string> {
  const refused = await connecting.then(
    (client) => (client.close(), null),
    (error: unknown) => error,
  );
  return refused instanceof Refused ? `${refused.status} ${refused.code}` : String(refused);
}

async function errorOf(client: Client, frame: object): Promise<string | undefined> {
  client.send(JSON.stringify({ ...frame, ref: 'r' }));
  await untilFrame(client, 'error');
  return frames(client).flatMap((said) => (said.type === 'error' ? [said.code] : []))[0];
}

describe('R1: a code of the documents comes where they say, with Redis', () => {
  test(
    'while Redis is away each answer says what cannot be had, and a login of few accounts works',
    LIMIT,
    async () => {
      await using redis = await startRedis();
      const options = { redisUrl: redis.url, plain: true, calls: { enabled: true }, directory: directoryOfMany() };
      await using running = await startGateway(options);
      const [small, large] = [await running.token(), await running.token({ accounts: MANY })];
      const [first, second] = [
        await running.connect(`?token=${small}&v=1`),
        await running.connect(`?token=${small}&v=1`),
      ];
      await redis.kill();
      const code = async (path: string, body?: object) => (await running.administer(path, body)).body['code'];
      await until('Redis felt as away', () => code('/lockouts'), { holds: (seen) => seen === 'lockouts_unavailable' });
      assert.equal(await code('/revocations', { jti: 'an-id' }), 'revocations_unavailable');
      assert.equal(await code('/dead-letters/default'), 'dead_letters_unavailable');
      assert.equal(await refusalOf(running.connect(`?token=${large}`)), '503 grant_unavailable');
      assert.deepEqual(await callsRefusal(running, large), [503, 'grant_unavailable']);
      assert.deepEqual(await callsRefusal(running, small), [503, 'calls_unavailable']);
      assert.equal(await errorOf(first, { auth: large }), 'grant_unavailable');
      assert.equal(await errorOf(second, { snapshot: 'calls' }), 'calls_unavailable');
      const refused = await running.login({ ...ADMIN, accounts: MANY.slice(1) });
      assert.deepEqual([refused.status, refused.body['code']], [503, 'grant_store_unavailable']);
      assert.equal((await running.login(ADMIN)).status, 200);
      for (const client of [first, second]) client.close();
    },
  );

  test('a replica that has read less than the cursor says so, and takes it once it has caught up', LIMIT, async () => {
    await using redis = await startRedis({ users: [`reader ${aclRules()} >${PASSWORD}`] });
    await using one = await startGateway({ redisUrl: redis.url });
    const redisUrl = redis.url.replace('redis://', `redis://reader:${PASSWORD}@`);
    await using behind = await startGateway({ redisUrl, state: one.stateFolder });
    const [ahead, lagging] = await Promise.all(
      [one, behind].map(async (on) => on.connect(`?token=${await on.token()}&v=1`)),
    );
    assert.ok(ahead !== undefined && lagging !== undefined);
    await ask(redis.port, ['acl', 'setuser', 'reader', '-xread']);
    // What a read that was under way brings is still seen.
    let count = 0;
    await until('an event that the replica does not read', async () => {
      await one.ingest(event('account_id_1', 'CHANNEL_HOLD', (count += 1)));
      await untilEvents(ahead, count);
      return events(lagging).length < count - 5;
    });
    const cursor = events(ahead).at(-1)?._firehose.cursor;
    const resume = async () => behind.connect(`?token=${await behind.token()}&v=1&cursor=${cursor}`);
    assert.equal(await refusalOf(resume()), '503 replica_behind');
    await ask(redis.port, ['acl', 'setuser', 'reader', '+xread']);
    await untilEvents(lagging, count);
    (await resume()).close();
    for (const client of [ahead, lagging]) client.close();
  });
});

async function callsRefusal(running: RunningGateway, token: string): Promise<[number, string]> {
  const { status, text } = await getCalls(running, token);
  return [status, (JSON.parse(text) as { code: string }).code];
}
