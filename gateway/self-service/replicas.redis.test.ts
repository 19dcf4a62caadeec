import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { releaseOwnWebhooks } from '../../event-log/provisioning/own-webhooks.ts';
import { until } from '../../testing/until.ts';
import { events } from '../testing/group-replica.ts';
import { startGateway } from '../testing/running-gateway.ts';
import { SelfServiceSuite } from '../testing/self-service-suite.ts';
import { newSecret } from '../testing/webhook-gateway.ts';
import { WebhookReceiver } from '../testing/webhook-receiver.ts';

const LIMIT = { timeout: 120_000 };
let suite: SelfServiceSuite;
before(async () => (suite = await SelfServiceSuite.start()));
after(() => suite[Symbol.asyncDispose]());

describe('webhooks of logins over replicas', () => {
  test('is served by all replicas, and a deleted one leaves nothing in Redis', LIMIT, async () => {
    await using it = await suite.open();
    await using other = await it.running.another();
    const { id } = await it.create();
    const elsewhere = await it.loginOf(other);
    assert.equal((await elsewhere.ask('GET', `/${id}`)).status, 200);
    const published = events(['a', 'b', 'c', 'd'], 5);
    await it.append(published);
    await it.accepted(published);
    assert.deepEqual(it.receiver.faults, []);
    await other.administer(`/webhooks/${id}/test`, {});
    const removed = await elsewhere.ask('DELETE', `/${id}`);
    assert.equal(removed.status, 204);
    assert.equal((await it.tenant.ask('GET', `/${id}`)).status, 404);
    const seen = it.receiver.received.length;
    await it.append(events(['e'], 2));
    const left = async () => {
      const keys = await suite.client.keys(`*${id}*`);
      const groups = await Promise.all(
        [0, 1, 2, 3].map((partition) => suite.client.xinfo('GROUPS', `${it.keyPrefix}{${partition}}:events`)),
      );
      return [...keys, ...(JSON.stringify(groups).includes(id) ? ['a group'] : [])];
    };
    await until('nothing left', left, { holds: (found) => found.length === 0 });
    assert.equal(it.receiver.received.length, seen);
  });

  test('W1: goes on at another replica, also after a rotation of the signing keys', LIMIT, async () => {
    await using it = await suite.open();
    const { id } = await it.create();
    const published = events(['a', 'b', 'c', 'd'], 40);
    it.receiver.behave((hook, response) => setTimeout(() => it.receiver.accept(hook, response), 5));
    await using other = await startGateway({
      redisUrl: suite.redis.url,
      redis: { keyPrefix: it.keyPrefix },
      webhooks: { selfService: { enabled: true } },
      state: it.running.stateFolder,
      // A new key signs, and seals, from here on.
      auth: { token: { signing: { algorithm: 'EdDSA' } } },
    });
    await it.append(published);
    await until('some requests', () => it.receiver.received.length, { holds: (seen) => seen > 20 });
    const isEarly = it.receiver.missing(published).length > 0;
    await it.running.gateway[Symbol.asyncDispose]();
    await it.accepted(published);
    assert.ok(isEarly, 'the replica left too late');
    assert.deepEqual(it.receiver.faults, []);
    const elsewhere = await it.loginOf(other);
    assert.partialDeepStrictEqual((await elsewhere.ask('GET', `/${id}`)).body, { state: 'sending', lost: 0 });
  });

  test('W3: whose receiver never answers delays neither another webhook nor another account', LIMIT, async () => {
    await using it = await suite.open();
    await using silent = await WebhookReceiver.start(newSecret(), 'silent.example.com');
    silent.behave(() => undefined);
    await it.internet.add('silent.example.com', silent);
    await it.tenant.create({ url: 'https://silent.example.com/' });
    await it.create();
    const calls = Array.from({ length: 20 }, (_, at) => `call-${at}`);
    const published = events(calls, 5);
    await it.append(published);
    await it.accepted(published);
    // As many requests as one of them may have at a time.
    await until('the requests without an answer', () => silent.received.length, { holds: (seen) => seen === 8 });
    assert.deepEqual(it.receiver.faults, []);
  });

  test('is released with its resource', LIMIT, async () => {
    const where = { keyPrefix: 'released:', partitions: 4, resource: 'default/quickstart' };
    {
      await using it = await suite.open({ redis: { keyPrefix: where.keyPrefix } });
      const { id } = await it.create();
      await it.tenant.ask('DELETE', `/${(await it.create()).id}`);
      assert.ok((await suite.client.keys(`released:*${id}*`)).length > 0);
    }
    await releaseOwnWebhooks(suite.client, where);
    assert.deepEqual(await suite.client.keys('released:*wh_*'), []);
    assert.deepEqual(await suite.client.keys('released:*own-webhooks*'), []);
  });
});
