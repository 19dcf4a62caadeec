import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { untilEvents, untilFrame } from '../gateway/testing/frames.ts';
import { startGateway, type Client, type RunningGateway } from '../gateway/testing/running-gateway.ts';
import { until } from '../testing/until.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { typeCommand } from './testing/type-command.ts';

const LIMIT = { timeout: 60_000 };
const EVENT = '{"Event-Name":"DTMF","Call-ID":"c","n":1,"Account-ID":"account_id_1"}';

/** From a client that gives up an event to the redelivery of that event, by the commands and over HTTP. */
describe('dead letters of a running gateway', LIMIT, () => {
  let redis: RedisServer;
  let running: RunningGateway;
  let client: Client;
  before(async () => {
    redis = await startRedis();
    running = await startGateway({ redisUrl: redis.url });
    client = await running.connect(`?token=${await running.token()}&group=default&v=1`);
    await untilFrame(client, 'hello');
    await running.ingest(EVENT);
    const [given] = await untilEvents(client, 1);
    client.send(JSON.stringify({ term: given?._firehose.id, reason: 'no such\tcustomer' }));
    await until('1 dead letter listed', async () => (await listed()).length, { holds: (seen) => seen === 1 });
  });
  after(async () => {
    client.close();
    await running[Symbol.asyncDispose]();
    await redis.stop();
  });

  async function listed(query = ''): Promise<{ id: string; eventId: string }[]> {
    const { body } = await running.administer(`/dead-letters/default${query}`);
    return body['dead_letters'] as { id: string; eventId: string }[];
  }

  const type = (...args: string[]) => typeCommand(running, 'dead-letters', ...args);

  test('what was asked for wrongly is said, by HTTP and by the command', LIMIT, async () => {
    const [letter] = await listed();
    const asked: [string, number, string][] = [
      ['/dead-letters/nobody', 404, 'unknown_group'],
      ['/dead-letters/default?limit=0', 400, 'invalid_query'],
      ['/dead-letters/default?after=x', 400, 'invalid_query'],
      ['/dead-letters/default/0:1-1', 404, 'no_such_dead_letter'],
      ['/dead-letters/default/nonsense', 404, 'no_such_dead_letter'],
    ];
    for (const [path, status, code] of asked) {
      const answer = await running.administer(path);
      assert.deepEqual([answer.status, answer.body['code']], [status, code], path);
    }
    assert.equal((await running.administer(`/dead-letters/default/${letter?.id ?? ''}`, {})).status, 405);
    const refused = await type('show', '0:1-1');
    assert.deepEqual([refused.code, refused.output], [1, '']);
    assert.match(refused.errors, /^error: 404 no_such_dead_letter: The group has no dead letter \d:\d+-\d+: /);
    assert.equal((await type('list', '--group', 'nobody')).code, 1);
    assert.equal((await type('show')).code, 2);
    await using standalone = await startGateway({});
    assert.equal((await standalone.administer('/dead-letters/default')).body['code'], 'groups_need_redis');
  });

  test("those of one account's group alone are listed and sent again", LIMIT, async () => {
    const lines = async (...args: string[]) => (await type('list', ...args)).output.trim().split('\n').length - 1;
    const own = '91eb05e5c68d7ca05e7618b6821d2d16';
    assert.deepEqual(
      [await lines(), await lines('--account', own), await lines('--account', 'account_id_2')],
      [1, 1, 0],
    );
    const none = await type('redrive', '--account', 'account_id_2', '--json');
    assert.deepEqual([none.code, JSON.parse(none.output)], [0, { redriven: [] }]);
    const wrong = await type('list', '--account', 'no such account');
    assert.equal(wrong.code, 1);
    assert.match(wrong.errors, /^error: 400 invalid_query: /);
  });

  test('one is listed, shown with its event, and sent again once', LIMIT, async () => {
    const [letter] = await listed();
    assert.ok(letter);
    assert.deepEqual(await listed(`?limit=1&after=${letter.id}`), []);
    const list = await type('list');
    const [head = '', line = ''] = list.output.split('\n');
    assert.deepEqual(head.split(/ +/).slice(0, 2), ['id', 'eventId']);
    assert.deepEqual(line.split(/ +/).slice(0, 2), [letter.id, letter.eventId]);
    assert.match(line, / {2}no such\?customer$/);
    const shown = await type('show', letter.id);
    assert.equal(shown.output.trimEnd().split('\n').at(-1), EVENT);
    const redriven = await type('redrive', letter.id);
    assert.match(redriven.output, new RegExp(`^${letter.id} is back in the log as \\d+-\\d+\\n$`));
    const [, again] = await untilEvents(client, 2);
    assert.equal(again?._firehose.id, letter.eventId);
    assert.deepEqual(await listed(), []);
    assert.equal((await type('redrive', letter.id)).code, 1);
    client.send(JSON.stringify({ term: again?._firehose.id, reason: 'twice' }));
    await until('1 dead letter listed', async () => (await listed()).length, { holds: (seen) => seen === 1 });
    const json = JSON.parse((await type('list', '--json')).output) as { dead_letters: { id: string }[] };
    const account = ['--account', '91eb05e5c68d7ca05e7618b6821d2d16'];
    const everything = JSON.parse((await type('redrive', ...account, '--json')).output) as {
      redriven: { id: string }[];
    };
    assert.deepEqual([everything.redriven.length, everything.redriven[0]?.id], [1, json.dead_letters[0]?.id]);
    assert.equal((await untilEvents(client, 3)).length, 3);
    assert.deepEqual(await listed(), []);
  });
});
