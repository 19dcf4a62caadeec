import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeCertificates, type Certificates } from '../../testing/certificates.ts';
import { MASTER_NAME, startSentinel } from '../../testing/redis-sentinel.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { events, type PublishedEvent } from '../testing/group-replica.ts';
import { HookedResource, newSecret, type HookedOptions } from '../testing/webhook-gateway.ts';
import { WebhookReceiver } from '../testing/webhook-receiver.ts';
import type { Gateway } from '../build.ts';

const LIMIT = { timeout: 180_000 };
const calls = (count: number, prefix = '') => Array.from({ length: count }, (_, at) => `call-${prefix}${at}`);
let certificates: Certificates;
let redis: RedisServer;
before(async () => {
  certificates = await makeCertificates('localhost');
  redis = await startRedis({ tls: certificates });
});
after(async () => {
  await redis.stop();
  await certificates[Symbol.asyncDispose]();
});

/** A receiver, and a resource that names it, on a Redis over TLS. */
async function hooked(options: Partial<HookedOptions> = {}) {
  const stack = new AsyncDisposableStack();
  const receiver = stack.use(await WebhookReceiver.start(newSecret()));
  const environment = { REDIS_CA_FILE: certificates.caFile };
  const resource = stack.use(
    await HookedResource.create({ redisUrl: redis.tlsUrl, environment, receiver, ...options }),
  );
  const publish = (list: readonly PublishedEvent[]) => resource.publish(list, redis.url);
  return { receiver, resource, publish, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const deadLetters = async (resource: HookedResource, innerPort: number) =>
  (await resource.administer(innerPort, '/dead-letters/crm')).body['dead_letters'] as unknown[];

describe('W1: nothing is lost and no call is out of order', () => {
  test('through kill -9 of the sender under load: of one of two replicas, then of the only one', LIMIT, async () => {
    await using it = await hooked();
    const { receiver, resource } = it;
    receiver.behave((hook, response) => void delay(2).then(() => receiver.accept(hook, response)));
    const [first, second] = await Promise.all([resource.spawn(), resource.spawn()]);
    const published = events(calls(40), 20);
    await it.publish(published);
    for (const victim of [first, second]) {
      const goal = receiver.received.length + 150;
      await until(`${goal} requests`, () => receiver.received.length, { holds: (seen) => seen >= goal });
      victim.kill('SIGKILL');
      await victim.exitCode;
    }
    assert.ok(receiver.missing(published).length > 0, 'the senders were killed too late');
    await resource.spawn();
    await until('all events accepted', () => receiver.missing(published).length, { holds: (left) => left === 0 });
    assert.deepEqual(receiver.faults, []);
  });

  test('while the receiver is down', LIMIT, async () => {
    await using it = await hooked({ group: { maxDeliver: 1 } });
    await using gateway = await it.resource.start();
    const published = events(calls(30), 10);
    it.receiver.behave((hook, response) => {
      it.receiver.accept(hook, response);
      if (it.receiver.accepted.size === 100) it.receiver.down(true);
    });
    await it.publish(published);
    await until('the receiver down', () => it.receiver.isDown);
    await delay(2_000);
    it.receiver.down(false);
    await until('all events accepted', () => it.receiver.missing(published).length, { holds: (left) => left === 0 });
    assert.deepEqual(it.receiver.faults, []);
    assert.deepEqual(await deadLetters(it.resource, gateway.innerPort), []);
  });

  test('where bodies of answers have no end, or come drop by drop: the status counts', LIMIT, async () => {
    await using it = await hooked();
    await using _ = await it.resource.start();
    let [open, most] = [0, 0];
    it.receiver.behave((hook, response) => {
      it.receiver.accepted.add(hook.key);
      response.writeHead(200);
      most = Math.max(most, (open += 1));
      const size = hook.n % 2 === 0 ? 65_536 : 1;
      const drip = setInterval(() => response.write('x'.repeat(size)), 10);
      response.on('close', () => {
        clearInterval(drip);
        open -= 1;
      });
    });
    const published = events(calls(40), 4);
    await it.publish(published);
    await until('all events accepted', () => it.receiver.missing(published).length, { holds: (left) => left === 0 });
    await until('no answer open', () => open, { holds: (left) => left === 0 });
    assert.ok(most <= 32, String(most));
    assert.equal(it.receiver.received.length, published.length);
  });

  test('through a failover of Redis', LIMIT, async () => {
    await using sentinel = await startSentinel();
    await using receiver = await WebhookReceiver.start(newSecret());
    await using resource = await HookedResource.create({
      redisUrl: sentinel.url,
      receiver,
      redis: { mode: 'Sentinel', sentinel: { masterName: MASTER_NAME } },
    });
    await using _ = await resource.start();
    receiver.behave((hook, response) => void delay(2).then(() => receiver.accept(hook, response)));
    const published = events(calls(40), 30);
    const old = await sentinel.master();
    await resource.publish(published, old.url);
    await until('200 requests', () => receiver.received.length, { holds: (seen) => seen >= 200 });
    await old.kill();
    await sentinel.failedOver(old);
    await until('all events accepted', () => receiver.missing(published).length, { holds: (left) => left === 0 });
    assert.deepEqual(receiver.faults, []);
  });
});

describe('W1: an outage of the receiver', () => {
  let it: Awaited<ReturnType<typeof hooked>>;
  let gateway: Gateway;
  before(async () => {
    it = await hooked({ webhook: { timeout: '1s' }, group: { maxDeliver: 2 } });
    gateway = await it.resource.start();
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await it[Symbol.asyncDispose]();
  });

  const outages: Record<string, (receiver: WebhookReceiver, response: ServerResponse) => void> = {
    'answers 500': (_, response) => void response.writeHead(500).end(),
    'answers 503': (_, response) => void response.writeHead(503, { 'retry-after': '1' }).end(),
    'moved and answers 301': (receiver, response) => void response.writeHead(301, { location: receiver.url }).end(),
    'lost our credentials': (_, response) => void response.writeHead(401).end(),
    hangs: () => undefined,
    'cuts its connections': (_, response) => void response.destroy(),
    'begins an answer and does not end its head': (_, response) => void response.socket?.write('HTTP/1.1 200 OK\r\n'),
    'speaks another protocol': (_, response) => void response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n'),
  };
  for (const [at, [what, answer]] of Object.entries(outages).entries()) {
    test(`it ${what}: everything waits, no event is given up, and it goes on where it was`, LIMIT, async () => {
      const { receiver } = it;
      const published = events(calls(30, `${at}-`), 3);
      receiver.behave((_, response) => answer(receiver, response));
      await it.publish(published);
      const shown = async () => (await it.resource.administer(gateway.innerPort, '/webhooks/crm')).body;
      const failures = (least: number) =>
        until(`${least} pauses`, async () => Number((await shown())['failures']), { holds: (seen) => seen >= least });
      await failures(1);
      const atFirst = receiver.received.length;
      await failures(3);
      // One at a time, while 30 calls wait.
      assert.ok(receiver.received.length - atFirst <= 30 + 3 && (await shown())['state'] !== 'sending');
      receiver.behave((hook, response) => receiver.accept(hook, response));
      await until('all events accepted', () => receiver.missing(published).length, { holds: (left) => left === 0 });
      assert.deepEqual(receiver.faults, []);
      assert.deepEqual(await deadLetters(it.resource, gateway.innerPort), []);
    });
  }
});
