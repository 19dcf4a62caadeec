import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { events } from '../testing/group-replica.ts';
import { HookedResource, newSecret, type HookedOptions } from '../testing/webhook-gateway.ts';
import { WebhookReceiver } from '../testing/webhook-receiver.ts';

const LIMIT = { timeout: 120_000 };
const calls = (count: number, prefix = '') => Array.from({ length: count }, (_, at) => `call-${prefix}${at}`);
let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

interface Report {
  readonly state: string;
  readonly sent: number;
  readonly refused: number;
  readonly gap: string | null;
}

async function hooked(options: Partial<HookedOptions> = {}) {
  const stack = new AsyncDisposableStack();
  const receiver = stack.use(await WebhookReceiver.start(newSecret()));
  const resource = stack.use(await HookedResource.create({ redisUrl: redis.url, receiver, ...options }));
  const { innerPort } = stack.use(await resource.start());
  const replay = (body: object) => resource.administer(innerPort, '/webhooks/crm/replay', body);
  const report = async () => (await resource.administer(innerPort, '/webhooks/crm')).body['replay'] as Report;
  return {
    receiver,
    resource,
    innerPort,
    replay,
    report,
    ended: () => until('the end of the replay', report, { holds: ({ state }) => state !== 'running' }),
    async accepted(published: ReturnType<typeof events>) {
      await resource.publish(published);
      await until('all accepted', () => receiver.missing(published).length, { holds: (left) => left === 0 });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe('the replay of a range to a webhook', () => {
  test('sends its events again with their ids, marked, each call in order, beside live ones', LIMIT, async () => {
    await using it = await hooked({ webhook: { concurrency: 8 } });
    const published = events(calls(20), 10);
    await it.accepted(published);
    const before = it.receiver.received.length;
    const { status, body } = await it.replay({ from: '-1h' });
    assert.deepEqual([status, (body['replay'] as Report).state], [202, 'running']);
    assert.deepEqual((await it.replay({ from: '-1h' })).body['code'], 'replay_running');
    const live = events(calls(5, 'live-'), 4);
    await it.accepted(live);
    assert.partialDeepStrictEqual(await it.ended(), { state: 'done', sent: 200, refused: 0 });
    const again = it.receiver.received.slice(before).filter(({ headers }) => headers['firehose-replay'] === '1');
    assert.equal(again.length, 200);
    assert.deepEqual(it.receiver.faults, []);
    for (const call of calls(20)) {
      const order = again.filter((hook) => hook.call === call).map(({ n }) => n);
      assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    assert.deepEqual(
      new Set(again.map(({ headers }) => headers['webhook-id'])),
      new Set(published.map(({ call, n }) => `${call}/${n}`)),
    );
  });

  test('has what the group would have: its filters count', LIMIT, async () => {
    await using it = await hooked({ group: { filters: { events: ['CHANNEL_DESTROY'] } } });
    await it.resource.publish(events(calls(3), 2));
    await it.replay({ from: '-1h' });
    assert.partialDeepStrictEqual(await it.ended(), { state: 'done', sent: 0 });
  });

  test('an outage of the receiver is waited out; what it refuses is given up after three tries', LIMIT, async () => {
    await using it = await hooked();
    const published = events(calls(10), 3);
    await it.accepted(published);
    let refused = 0;
    it.receiver.behave((hook, response) => {
      if (hook.call === 'call-0' && hook.n === 1) return void response.writeHead(422).end(`no ${(refused += 1)}`);
      if (it.receiver.received.length % 17 === 0) return void response.writeHead(503, { 'retry-after': '1' }).end();
      return it.receiver.accept(hook, response);
    });
    await it.replay({ from: '-1h' });
    assert.partialDeepStrictEqual(await it.ended(), { state: 'done', sent: 29, refused: 1 });
    assert.equal(refused, 3);
    const letters = (await it.resource.administer(it.innerPort, '/dead-letters/crm')).body['dead_letters'];
    assert.deepEqual(letters, []);
  });

  test('is stopped, and ends with its gateway; a wrong range says what is wrong', LIMIT, async () => {
    const wrong = async (it: Awaited<ReturnType<typeof hooked>>, body: object, code: string) => {
      const answer = await it.replay(body);
      assert.deepEqual([answer.status, answer.body['code']], [400, code], JSON.stringify(body));
    };
    await using it = await hooked({ webhook: { concurrency: 1 } });
    const published = events(calls(10), 3);
    await it.accepted(published);
    await wrong(it, {}, 'invalid_request');
    await wrong(it, { from: 'yesterday' }, 'invalid_from');
    await wrong(it, { from: '-1h', to: '-2h' }, 'from_after_to');
    await wrong(it, { cursor: 'x' }, 'invalid_cursor');
    await wrong(it, { since: '-1h' }, 'invalid_request');
    it.receiver.behave(() => undefined);
    await it.replay({ from: '-1h' });
    await until(
      'one that hangs',
      async () => (await it.report()).state === 'running' && it.receiver.received.length > 30,
    );
    const stopped = await it.resource.administer(it.innerPort, '/webhooks/crm/replay/stop', {});
    assert.partialDeepStrictEqual(stopped.body, { replay: { state: 'stopped' } });
    it.receiver.behave((hook, response) => it.receiver.accept(hook, response));
    await it.accepted(events(calls(3, 'later-'), 1));
    await it.replay({ from: '-1h' });
  });
});
