import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { resourceKeys } from '../../protocol/keys.ts';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
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

async function hooked(options: Partial<HookedOptions> = {}) {
  const stack = new AsyncDisposableStack();
  const receiver = stack.use(await WebhookReceiver.start(newSecret()));
  const resource = stack.use(await HookedResource.create({ redisUrl: redis.url, receiver, ...options }));
  const allAccepted = async (published: ReturnType<typeof events>) => {
    await until('all accepted', () => receiver.missing(published).length, { holds: (left) => left === 0 });
    assert.deepEqual(receiver.faults, []);
  };
  return { receiver, resource, allAccepted, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('the state of a webhook', () => {
  test(
    'W6: 410 switches it off at once, for all replicas, until it is enabled; then it goes on where it was',
    LIMIT,
    async () => {
      await using it = await hooked({ webhook: { concurrency: 1 } });
      const { receiver, resource } = it;
      await using one = await resource.start();
      await using two = await resource.start();
      receiver.behave((_, response) => response.writeHead(410).end());
      const published = events(calls(40), 2);
      await resource.publish(published);
      const off = (port: number) =>
        until('off', async () => (await resource.administer(port, '/webhooks/crm')).body, {
          holds: ({ held_back: heldBack }) => heldBack === 'off',
        });
      for (const { innerPort } of [one, two])
        assert.partialDeepStrictEqual(await off(innerPort), { off: { reason: 'gone' } });
      // One request at a time: each replica sent at most one.
      assert.ok(receiver.received.length <= 2, String(receiver.received.length));
      assert.deepEqual((await resource.administer(one.innerPort, '/dead-letters/crm')).body['dead_letters'], []);
      receiver.behave((hook, response) => receiver.accept(hook, response));
      await resource.administer(two.innerPort, '/webhooks/crm/enable', {});
      await it.allAccepted(published);
    },
  );

  test('a changed declaration switches it on again', LIMIT, async () => {
    await using it = await hooked();
    const { receiver, resource } = it;
    const published = events(calls(5), 2);
    {
      await using gateway = await resource.start();
      receiver.behave((hook, response) => {
        receiver.accepted.add(hook.key);
        response.writeHead(200, { 'webhook-delivery': 'disable' }).end();
      });
      await resource.publish(published);
      await until('off', async () => (await resource.administer(gateway.innerPort, '/webhooks/crm')).body['off']);
      assert.ok(receiver.received.length <= 5);
    }
    receiver.behave((hook, response) => receiver.accept(hook, response));
    await resource.declare({ timeout: '14s' });
    await using _ = await resource.start();
    await it.allAccepted(published);
  });

  test(
    'nothing but failures for disableAfter switches it off; a success of any replica restarts the clock',
    LIMIT,
    async () => {
      await using it = await hooked({ webhook: { disableAfter: '1h' } });
      const { receiver, resource } = it;
      receiver.behave((_, response) => response.writeHead(503).end());
      await using gateway = await resource.start();
      await resource.publish(events(calls(1), 1));
      const shown = async () => (await resource.administer(gateway.innerPort, '/webhooks/crm')).body;
      await until('failing', async () => (await shown())['failing_since']);
      const client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
      await becomesReady(client, 10_000);
      const key = resourceKeys(resource.keyPrefix, `default/${resource.name}`).webhook('crm');
      const hoursAgo = String(Date.now() - 2 * 3_600_000);
      await client.hset(key, { failing_since: hoursAgo, succeeded_at: String(Date.now()) });
      const before = receiver.received.length;
      await until('two more probes', () => receiver.received.length, { holds: (seen) => seen >= before + 2 });
      assert.equal((await shown())['off'], null);
      await client.hset(key, { failing_since: hoursAgo, succeeded_at: hoursAgo });
      const { reason } = (await until('off', async () => (await shown())['off'])) as { reason: string };
      assert.equal(reason, 'failing');
      client.disconnect();
    },
  );

  test(
    'secrets are rotated without a restart: requests carry the signatures of both, then of the new one',
    LIMIT,
    async () => {
      await using it = await hooked();
      const { receiver, resource } = it;
      await using _ = await resource.start();
      await it.resource.publish(events(calls(1, 'a'), 1));
      await it.allAccepted(events(calls(1, 'a'), 1));
      const file = (name: string) => join(resource.folder, 'webhooks', name);
      await writeFile(file('crm.previous-secret'), await readFile(file('crm.secret')));
      await writeFile(file('crm.secret'), newSecret());
      const signatures = () => String(receiver.received.at(-1)?.headers['webhook-signature']).split(' ').length;
      let n = 0;
      await until('two signatures', async () => {
        const published = events(calls(1, `b${(n += 1)}-`), 1);
        await resource.publish(published);
        await it.allAccepted(published);
        return signatures() === 2;
      });
    },
  );

  test('W5: without a secret that can be used nothing is sent, and the log says why without it', LIMIT, async () => {
    await using it = await hooked();
    const { receiver, resource } = it;
    const file = join(resource.folder, 'webhooks', 'crm.secret');
    await writeFile(file, 'whsec_sesame');
    const { lines, logger } = recordedLogger();
    await using gateway = await resource.start(logger);
    const published = events(calls(3), 1);
    await resource.publish(published);
    const shown = async () => (await resource.administer(gateway.innerPort, '/webhooks/crm')).body;
    await until('held back', async () => (await shown())['held_back'], { holds: (seen) => seen === 'no_secret' });
    assert.equal(receiver.received.length, 0);
    await writeFile(file, receiver.secret);
    await it.allAccepted(published);
    const log = JSON.stringify(lines);
    assert.match(log, /crm\.secret/);
    for (const secret of ['sesame', receiver.secret, receiver.secret.slice('whsec_'.length)])
      assert.ok(!log.includes(secret));
  });

  test('nothing is sent while its user is disabled, and its events come once it is enabled again', LIMIT, async () => {
    await using it = await hooked({ webhook: { user: 'Admin' } });
    const { receiver, resource } = it;
    const file = join(resource.folder, 'directory.yaml');
    const directory = await readFile(file, 'utf8');
    await writeFile(file, directory.replace('username: admin,', 'username: admin, enabled: false,'));
    await using gateway = await resource.start();
    const published = events(calls(3), 1);
    await resource.publish(published);
    const shown = async () => (await resource.administer(gateway.innerPort, '/webhooks/crm')).body;
    await until('held back', async () => (await shown())['held_back'], { holds: (seen) => seen === 'refused' });
    assert.equal(receiver.received.length, 0);
    await writeFile(file, directory);
    await it.allAccepted(published);
  });

  test('W2: without allowPrivateAddresses a receiver in the own network gets no connection', LIMIT, async () => {
    await using it = await hooked();
    const allowedPorts = [443, Number(new URL(it.receiver.url).port)];
    await using strict = await hooked({
      receiver: it.receiver,
      webhook: { allowPrivateAddresses: false },
      spec: { webhooks: { allowedPorts } },
    });
    await using gateway = await strict.resource.start();
    await strict.resource.publish(events(calls(1), 1));
    const attempts = await until(
      'an attempt',
      async () => (await strict.resource.administer(gateway.innerPort, '/webhooks/crm')).body['attempts'],
      { holds: (seen) => (seen as unknown[]).length > 0 },
    );
    assert.partialDeepStrictEqual(attempts, [{ status: null, code: 'ADDRESS_REFUSED', verdict: 'endpoint' }]);
    assert.equal(it.receiver.received.length, 0);
  });

  test(
    'a test event is sent whatever the state, and its outcome is told; an unknown webhook is 404',
    LIMIT,
    async () => {
      await using it = await hooked();
      await using gateway = await it.resource.start();
      it.receiver.behave((_, response) => response.writeHead(418).end('teapot'));
      const { status, body } = await it.resource.administer(gateway.innerPort, '/webhooks/crm/test', {});
      assert.deepEqual([status, body['outcome']], [200, 'HTTP 418: teapot']);
      assert.equal(it.receiver.received.at(-1)?.call, 'firehose.test');
      assert.deepEqual(it.receiver.faults, []);
      const unknown = await it.resource.administer(gateway.innerPort, '/webhooks/default');
      assert.deepEqual([unknown.status, unknown.body['code']], [404, 'no_such_webhook']);
      const list = await it.resource.administer(gateway.innerPort, '/webhooks');
      assert.partialDeepStrictEqual(list.body, { webhooks: [{ group: 'crm', held_back: null, off: null }] });
    },
  );

  test('while Redis is away nothing can be switched on, and the answer says so', LIMIT, async () => {
    await using own = await startRedis();
    await using it = await hooked({ redisUrl: own.url });
    await using gateway = await it.resource.start();
    await own.kill();
    const { status, body } = await it.resource.administer(gateway.innerPort, '/webhooks/crm/enable', {});
    assert.deepEqual([status, body['code']], [503, 'webhooks_unavailable']);
    // A replica leaves what it has in Redis.
    await own.restart();
  });
});
