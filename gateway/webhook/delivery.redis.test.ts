import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { HTTP, type CloudEvent } from 'cloudevents';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { Refused, startGateway } from '../testing/running-gateway.ts';
import { events } from '../testing/group-replica.ts';
import { ACCOUNT, HookedResource, newSecret, type HookedOptions } from '../testing/webhook-gateway.ts';
import { WebhookReceiver } from '../testing/webhook-receiver.ts';

const LIMIT = { timeout: 120_000 };
const calls = (count: number) => Array.from({ length: count }, (_, at) => `call-${at}`);
let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

/** A receiver, a resource that names it, and one gateway. */
async function hooked(options: Partial<HookedOptions> = {}) {
  const stack = new AsyncDisposableStack();
  const receiver = stack.use(await WebhookReceiver.start(newSecret()));
  const resource = stack.use(await HookedResource.create({ redisUrl: redis.url, receiver, ...options }));
  const gateway = stack.use(await resource.start());
  return { receiver, resource, gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('a group with a webhook', () => {
  test('W1, W4: its events are sent once each, signed, in the order of each call', LIMIT, async () => {
    await using it = await hooked();
    const published = events(calls(20), 10);
    await it.resource.publish(published);
    await until('all events accepted', () => it.receiver.missing(published).length, { holds: (left) => left === 0 });
    assert.deepEqual(it.receiver.faults, []);
    assert.equal(it.receiver.received.length, published.length);
    const [first] = it.receiver.received;
    assert.deepEqual(Object.keys(JSON.parse(first?.body ?? '{}') as object), ['type', 'timestamp', 'data', 'firehose']);
    assert.equal(first?.headers['webhook-id'], first?.key);
    assert.match(String(first?.headers['user-agent']), /^Firehose\//);
  });

  test('calls are sent beside each other, and the events of one call after each other', LIMIT, async () => {
    await using it = await hooked({ webhook: { concurrency: 4 } });
    let [now, most] = [0, 0];
    // The first ones are answered when so many are under way: how fast they come depends on the machine.
    const areFour = Promise.withResolvers<void>();
    it.receiver.behave((hook, response) => {
      now += 1;
      most = Math.max(most, now);
      if (now === 4) areFour.resolve();
      void areFour.promise
        .then(() => delay(20))
        .then(() => {
          now -= 1;
          return it.receiver.accept(hook, response);
        });
    });
    const published = events(calls(12), 3);
    await it.resource.publish(published);
    await until('all events accepted', () => it.receiver.missing(published).length, { holds: (left) => left === 0 });
    assert.deepEqual([it.receiver.faults, most], [[], 4]);
  });

  test(
    'an event that the receiver refuses is tried again and becomes a dead letter with its last answer; only its call waits (W7)',
    LIMIT,
    async () => {
      await using it = await hooked({ group: { maxDeliver: 2 } });
      it.receiver.behave((hook, response) => {
        if (hook.call === 'call-0') response.writeHead(422).end('no such <customer>');
        else it.receiver.accept(hook, response);
      });
      const published = events(calls(3), 2);
      await it.resource.publish(published);
      const letters = await until(
        'two dead letters',
        async () => (await it.resource.administer(it.gateway.innerPort, '/dead-letters/crm')).body['dead_letters'],
        { holds: (seen) => (seen as unknown[]).length === 2 },
      );
      assert.deepEqual(
        (letters as { eventId: string; reason: string; attempts: number; error: string }[]).map(
          ({ eventId, reason, attempts, error }) => [eventId, reason, attempts, error],
        ),
        [
          ['call-0/0', 'max_deliver', 2, 'HTTP 422: no such <customer>'],
          ['call-0/1', 'max_deliver', 2, 'HTTP 422: no such <customer>'],
        ],
      );
      assert.deepEqual(it.receiver.missing(published), ['call-0/0', 'call-0/1']);
      assert.deepEqual(
        it.receiver.received.filter(({ call }) => call === 'call-0').map(({ n, attempt }) => [n, attempt]),
        [
          [0, 1],
          [0, 2],
          [1, 1],
          [1, 2],
        ],
      );
    },
  );

  test('what the receiver never wants is a dead letter at once', LIMIT, async () => {
    await using it = await hooked();
    it.receiver.behave((_, response) => response.writeHead(400, { 'webhook-delivery': 'abort-message' }).end('never'));
    await it.resource.publish(events(['call'], 1));
    const letters = await until(
      'a dead letter',
      async () => (await it.resource.administer(it.gateway.innerPort, '/dead-letters/crm')).body['dead_letters'],
      { holds: (seen) => (seen as unknown[]).length === 1 },
    );
    assert.partialDeepStrictEqual(letters, [{ reason: 'terminated', attempts: 1, error: 'HTTP 400: never' }]);
  });

  test('W3: a receiver that never answers holds neither another webhook nor a connection back', LIMIT, async () => {
    await using silent = await WebhookReceiver.start(newSecret());
    const silentWebhook = { url: silent.url, allowPrivateAddresses: true, timeout: '60s' };
    const silentGroup = { name: 'silent', account: ACCOUNT, ackWait: '90s', webhook: silentWebhook };
    const { secret, caFile } = silent;
    await using it = await hooked({ more: [{ group: silentGroup, secret, caFile }] });
    silent.behave(() => undefined);
    const first = events(calls(40), 1);
    await it.resource.publish(first);
    // The allowed number of concurrent requests waits for an answer.
    await until('32 requests without an answer', () => silent.received.length, { holds: (seen) => seen === 32 });
    const second = events(calls(40), 5, 1);
    await it.resource.publish(second);
    const left = () => it.receiver.missing([...first, ...second]).length;
    await until('all events of the other one accepted', left, { holds: (seen) => seen === 0, limitMs: 50_000 });
    assert.equal(silent.received.length, 32);
    assert.deepEqual(it.receiver.faults, []);
  });

  test('W1: batches are of different calls, and what is refused in one is sent alone', LIMIT, async () => {
    await using it = await hooked({
      webhook: { batch: { maxEvents: 10, maxWaitMilliseconds: 200 } },
      group: { maxDeliver: 1 },
    });
    it.receiver.behave((hook, response) => {
      if (hook.batch.includes('call-3/1')) response.writeHead(422).end('not this one');
      else it.receiver.accept(hook, response);
    });
    const published = events(calls(20), 3);
    await it.resource.publish(published);
    const letters = await until(
      'a dead letter',
      async () => (await it.resource.administer(it.gateway.innerPort, '/dead-letters/crm')).body['dead_letters'],
      { holds: (seen) => (seen as unknown[]).length === 1 },
    );
    assert.partialDeepStrictEqual(letters, [{ eventId: 'call-3/1', attempts: 2, error: 'HTTP 422: not this one' }]);
    await until('the others accepted', () => it.receiver.missing(published), {
      holds: (left) => left.length === 1 || left.length === 2,
    });
    await until('all but one', () => it.receiver.missing(published).join(), { holds: (left) => left === 'call-3/1' });
    const sizes = it.receiver.received.map(({ batch }) => batch.length);
    assert.ok(Math.max(...sizes) > 1 && Math.max(...sizes) <= 10, String(sizes));
    // The receiver does not have call-3/1, which was given up.
    assert.deepEqual(it.receiver.faults, ['call-3/2 came before call-3/1']);
    for (const { batch } of it.receiver.received)
      assert.equal(new Set(batch.map((key) => key.split('/')[0])).size, batch.length);
    const batched = it.receiver.received.find(({ batch }) => batch.length > 1);
    assert.match(String(batched?.headers['webhook-id']), /^batch_/);
  });

  test('CloudEvents are CloudEvents to their own library, alone and in a batch', LIMIT, async () => {
    for (const [batch, contentType] of [
      [{}, 'application/cloudevents+json'],
      [{ maxEvents: 5, maxWaitMilliseconds: 50 }, 'application/cloudevents-batch+json'],
    ] as const) {
      await using it = await hooked({ webhook: { format: 'CloudEvents', batch } });
      const published = events(calls(6), 2);
      await it.resource.publish(published);
      await until('all events accepted', () => it.receiver.missing(published).length, { holds: (left) => left === 0 });
      assert.deepEqual(it.receiver.faults, []);
      for (const { headers, body } of it.receiver.received) {
        assert.equal(headers['content-type'], contentType);
        const parsed = HTTP.toEvent({ headers, body });
        for (const event of [parsed].flat() as CloudEvent<{ call: string; n: number }>[]) {
          assert.ok(event.validate());
          assert.equal(event.id, `${event.data?.call}/${event.data?.n}`);
          assert.equal(event.subject, event.data?.call);
        }
      }
    }
  });

  test('it takes no connections', LIMIT, async () => {
    const receiver = { url: 'https://crm.example.com/' };
    const groups = [{ name: 'crm', account: ACCOUNT, webhook: receiver }];
    await using running = await startGateway({ redisUrl: redis.url, name: 'taken', groups });
    await assert.rejects(
      running.connect(`?token=${await running.token()}&group=crm`),
      (error) => error instanceof Refused && error.status === 409 && error.code === 'group_is_a_webhook',
    );
  });

  test('without Redis the gateway does not start, and says why', LIMIT, async () => {
    const groups = [{ name: 'crm', account: ACCOUNT, webhook: { url: 'https://crm.example.com/' } }];
    await assert.rejects(startGateway({ groups }), /consumerGroups\[crm\]\.webhook: .* set REDIS_URL/);
  });
});
