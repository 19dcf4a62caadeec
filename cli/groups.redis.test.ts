import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { untilFrame } from '../gateway/testing/frames.ts';
import { startGateway, type RunningGateway } from '../gateway/testing/running-gateway.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { typeCommand } from './testing/type-command.ts';

const LIMIT = { timeout: 120_000 };
const OPERATOR = { username: 'operator', password: 'operatorpassword', domain: 'north' };
const answer = z.object({
  groups: z.tuple([
    z.object({
      group: z.literal('default'),
      accounts: z.int().nullable(),
      lag: z.int().nullable(),
      oldest_pending_at: z.null(),
      members: z.array(z.object({ account: z.string(), replica: z.string(), connections: z.int(), hung: z.int() })),
    }),
  ]),
});

/** The groups of two replicas with two accounts, by the command and over HTTP. */
describe('firehose groups', LIMIT, () => {
  let redis: RedisServer;
  let one: RunningGateway;
  let other: RunningGateway;
  before(async () => {
    redis = await startRedis();
    one = await startGateway({ redisUrl: redis.url });
    other = await one.another();
  });
  after(async () => {
    await other[Symbol.asyncDispose]();
    await one[Symbol.asyncDispose]();
    await redis.stop();
  });

  const asked = async (running: RunningGateway) => answer.parse((await running.administer('/groups')).body).groups[0];

  test('a group that nobody uses has no lag and no connection', LIMIT, async () => {
    const { code, output } = await typeCommand(one, 'groups');
    assert.equal(code, 0);
    assert.match(output, /^group +accounts +lag +oldest_pending_at +connections +hung\ndefault +\S+ +- +- +0 +0\n$/);
  });

  test('each replica shows the connections of all, and what nobody has read', LIMIT, async () => {
    const token = String((await other.login(OPERATOR)).body['access_token']);
    const clients = [
      await one.connect(`?token=${await one.token()}&group=default&v=1`),
      await other.connect(`?token=${token}&group=default&v=1`),
    ];
    for (const client of clients) await untilFrame(client, 'hello');
    for (const replica of [one, other]) {
      const { members } = await until('a connection on each of two replicas', () => asked(replica), {
        holds: (seen) => seen.members.length === 2,
      });
      assert.equal(new Set(members.map((member) => member.replica)).size, 2);
      assert.equal(new Set(members.map((member) => member.account)).size, 2);
      assert.deepEqual(
        members.map(({ connections, hung }) => [connections, hung]),
        [
          [1, 0],
          [1, 0],
        ],
      );
    }
    for (const client of clients) client.close();
    await one.ingest('{"Event-Name":"DTMF","Call-ID":"c","Account-ID":"account_id_1"}');
    const { accounts, members } = await until('one entry that nobody has read', () => asked(one), {
      holds: ({ lag, members: left }) => left.length === 0 && (lag ?? 0) > 0,
      limitMs: 60_000,
    });
    assert.deepEqual([accounts, members], [2, []]);
    const { output } = await typeCommand(one, 'groups', '--json');
    assert.equal(answer.parse(JSON.parse(output)).groups[0].accounts, 2);
  });

  test('the answer needs the token of administrators, and takes nothing but GET', LIMIT, async () => {
    const url = `http://127.0.0.1:${one.gateway.innerPort}/ws/v1/firehose/admin/groups`;
    assert.equal((await fetch(url)).status, 401);
    assert.equal((await one.administer('/groups', {})).status, 405);
  });
});
