import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { until } from '../../testing/until.ts';
import { events } from '../testing/group-replica.ts';
import { OwnWebhookClient } from '../testing/own-webhook-client.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { HOST, SelfServiceSuite, URL } from '../testing/self-service-suite.ts';

const LIMIT = { timeout: 120_000 };
let suite: SelfServiceSuite;
before(async () => (suite = await SelfServiceSuite.start()));
after(() => suite[Symbol.asyncDispose]());

/** Administrators may look as often as they like. */
const heldBack = (running: RunningGateway, id: string, why: string) =>
  until(`held back: ${why}`, async () => (await running.administer(`/webhooks/${id}`)).body['held_back'], {
    holds: (seen) => seen === why,
  });

describe('a webhook of a login', () => {
  test(
    'W1, W4: gets the events of its account from its creation on, signed, in the order of each call',
    LIMIT,
    async () => {
      await using it = await suite.open();
      const before = events(['before'], 2);
      await it.append(before);
      const { id, secret } = await it.create({ description: 'CRM' });
      assert.match(id, /^wh_/);
      assert.match(secret, /^whsec_/);
      const published = events(['a', 'b', 'c'], 10);
      await it.append(published, 'account_id_3');
      await it.append(events(['foreign'], 2), 'account_id_2');
      await it.accepted(published);
      assert.deepEqual(it.receiver.faults, []);
      assert.equal(it.receiver.received.length, published.length);
      // The receiver has the last request before the gateway has its answer.
      await until('all attempts', async () => (await it.running.administer(`/webhooks/${id}`)).body['attempts'], {
        holds: (attempts) => (attempts as unknown[]).length === published.length,
      });
      const { body } = await it.tenant.ask('GET', `/${id}`);
      assert.partialDeepStrictEqual(body, {
        state: 'sending',
        reason: null,
        description: 'CRM',
        enabled: true,
        dead_letters: 0,
      });
      assert.equal((body['attempts'] as unknown[]).length, published.length);
      assert.ok(!JSON.stringify(body).includes(secret));
    },
  );

  test('is restricted to what the token grants, and to what the body names of that', LIMIT, async () => {
    await using it = await suite.open();
    const narrow = await it.loginOf(it.running, { events: ['CHANNEL_ANSWER'], accounts: ['account_id_3'] });
    for (const [body, code] of [
      [{ events: ['CHANNEL_DESTROY'] }, 'webhook_beyond_grant'],
      [{ accounts: ['account_id_1'] }, 'webhook_beyond_grant'],
      [{ accounts: ['account_id_2'] }, 'webhook_beyond_grant'],
      [{ events: ['CHANEL_ANSWER'] }, 'webhook_beyond_grant'],
    ] as const)
      assert.equal((await narrow.ask('POST', '', { url: URL, ...body })).body['code'], code, JSON.stringify(body));
    const wide = await it.tenant.ask('POST', '', { url: URL, events: ['CHANEL_ANSWER'] });
    assert.deepEqual([wide.status, wide.body['code']], [400, 'unknown_event']);
    const created = await narrow.ask('POST', '', { url: URL });
    assert.partialDeepStrictEqual(created.body, { accounts: ['account_id_3'], events: ['CHANNEL_ANSWER'] });
    // A wider webhook is seen by logins of the account, and left alone by one that is granted less.
    const { id } = await it.create();
    assert.equal((await narrow.ask('GET', `/${id}`)).status, 200);
    for (const [method, path, body] of [
      ['PATCH', '', { url: 'https://elsewhere.example.com/' }],
      ['POST', '/secret', {}],
      ['POST', '/test', undefined],
      ['DELETE', '', undefined],
    ] as const) {
      const refused = await narrow.ask(method, `/${id}${path}`, body);
      assert.deepEqual([refused.status, refused.body['code']], [403, 'webhook_beyond_grant'], `${method} ${path}`);
    }
  });

  test('is not seen, named or counted by another account, whose quota is its own', LIMIT, async () => {
    await using it = await suite.open();
    const { id } = await it.create();
    assert.deepEqual((await it.parent.ask('GET')).body, { webhooks: [] });
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/test'],
      ['POST', '/secret'],
    ] as const) {
      const foreign = await it.parent.ask(method, `/${id}${path}`, method === 'GET' ? undefined : {});
      const unknown = await it.parent.ask(method, `/wh_${'A'.repeat(24)}${path}`, method === 'GET' ? undefined : {});
      assert.deepEqual([foreign.status, foreign.body['code']], [404, 'unknown_webhook']);
      assert.deepEqual(foreign.body, unknown.body);
    }
    await it.create();
    await it.create();
    const fourth = await it.tenant.ask('POST', '', { url: URL });
    assert.deepEqual([fourth.status, fourth.body['code']], [409, 'too_many_webhooks']);
    await it.parent.create({ url: URL });
    await it.parent.create({ url: URL });
    // The resource has as many as it may have.
    assert.equal((await it.parent.ask('POST', '', { url: URL })).status, 409);
    assert.equal(((await it.tenant.ask('GET')).body['webhooks'] as unknown[]).length, 3);
    // No connection can join its group.
    const token = await it.running.token();
    await assert.rejects(it.running.connect(`?token=${token}&group=${id}`), { status: 400, code: 'unknown_group' });
  });

  test('W2: goes to public addresses and allowed ports alone, whatever DNS answers later', LIMIT, async () => {
    await using it = await suite.open();
    for (const url of [
      'https://127.0.0.1/',
      'https://10.0.0.1/',
      'https://[::ffff:169.254.169.254]/',
      'https://0x7f000001/',
      `https://${HOST}:25/`,
    ]) {
      const refused = await it.tenant.ask('POST', '', { url });
      assert.deepEqual(
        [refused.status, refused.body['code'], refused.body['field']],
        [400, 'webhook_address', 'url'],
        url,
      );
    }
    const { id } = await it.create();
    const first = events(['one'], 1);
    await it.append(first);
    await it.accepted(first);
    it.internet.resolves(HOST, '93.184.216.34', '10.0.0.7');
    it.receiver.down(true);
    it.receiver.down(false);
    await it.append(events(['two'], 1));
    await until('a refused attempt', async () => (await it.running.administer(`/webhooks/${id}`)).body, {
      holds: (body) => JSON.stringify(body).includes('ADDRESS_REFUSED'),
    });
    const refused = JSON.stringify((await it.tenant.ask('GET', `/${id}`)).body);
    assert.ok(refused.includes('NO_PUBLIC_ADDRESS') && !refused.includes('ADDRESS_REFUSED'), refused);
    assert.equal(it.receiver.received.length, 1);
    const tested = await it.tenant.ask('POST', `/${id}/test`);
    assert.deepEqual(tested.body['outcome'], 'no answer: NO_PUBLIC_ADDRESS');
    it.internet.resolves(HOST, '93.184.216.34');
    assert.equal((await it.tenant.ask('POST', `/${id}/test`)).body['outcome'], 'HTTP 204');
  });

  test('is changed, switched off and on, and continues at its position', LIMIT, async () => {
    await using it = await suite.open();
    const { id } = await it.create();
    const off = await it.tenant.ask('PATCH', `/${id}`, { enabled: false, description: 'later' });
    assert.partialDeepStrictEqual(off.body, { enabled: false, state: 'off', reason: 'owner', description: 'later' });
    const published = events(['a', 'b'], 5);
    await it.append(published);
    const on = await it.tenant.ask('PATCH', `/${id}`, { enabled: true, format: 'CloudEvents', url: `${URL}?new` });
    assert.partialDeepStrictEqual(on.body, { enabled: true, format: 'CloudEvents', url: `${URL}?new` });
    await it.accepted(published);
    assert.equal(it.receiver.received[0]?.headers['content-type'], 'application/cloudevents+json');
    assert.deepEqual(it.receiver.faults, []);
    it.receiver.behave((_, response) => response.writeHead(410).end());
    await it.append(events(['c'], 1));
    await heldBack(it.running, id, 'off');
    assert.partialDeepStrictEqual((await it.tenant.ask('GET', `/${id}`)).body, { state: 'off', reason: 'gone' });
    it.receiver.behave((hook, response) => it.receiver.accept(hook, response));
    const seen = it.receiver.received.length;
    await it.tenant.ask('PATCH', `/${id}`, { enabled: true });
    await until('the event again', () => it.receiver.received.length, { holds: (now) => now > seen });
  });

  test(
    'W4, W5: has a secret that is shown once, sealed in Redis, in no log, and rotated with an overlap',
    LIMIT,
    async () => {
      const { lines, logger } = recordedLogger();
      await using it = await suite.open({ logger });
      const { id, secret } = await it.create();
      const first = events(['a'], 2);
      await it.append(first);
      await it.accepted(first);
      const rotated = await it.tenant.ask('POST', `/${id}/secret`, { overlap_seconds: 600 });
      const next = String(rotated.body['secret']);
      assert.notEqual(next, secret);
      assert.ok(typeof rotated.body['previous_secret_until'] === 'string');
      const second = events(['b'], 2);
      await it.append(second);
      await it.accepted(second);
      // Verified with the old one until here, and with the new one from here on.
      it.receiver.secret = next;
      const third = events(['c'], 2);
      await it.append(third);
      await it.accepted(third);
      const last = String((await it.tenant.ask('POST', `/${id}/secret`, { overlap_seconds: 0 })).body['secret']);
      it.receiver.secret = last;
      const fourth = events(['d'], 2);
      await it.append(fourth);
      await it.accepted(fourth);
      assert.equal(String(it.receiver.received.at(-1)?.headers['webhook-signature']).split(' ').length, 1);
      assert.deepEqual(it.receiver.faults, []);
      const stored = JSON.stringify(await suite.client.hgetall(`${it.keyPrefix}default/quickstart:own-webhooks`));
      for (const one of [secret, next, last]) {
        const key = one.slice('whsec_'.length);
        assert.ok(!JSON.stringify(lines).includes(key) && !stored.includes(key));
        assert.ok(!stored.includes(Buffer.from(key, 'base64').toString('base64url')));
      }
      assert.ok(JSON.stringify(lines).includes('a self-service webhook: created'));
      assert.ok(JSON.stringify(lines).includes(id));
    },
  );

  test(
    'stops with its user, and goes on when the user is back; a revocation switches it off until a login takes it over',
    LIMIT,
    async () => {
      await using it = await suite.open();
      const { id } = await it.create();
      const directory = await readFile(it.running.directoryFile, 'utf8');
      await writeFile(
        it.running.directoryFile,
        directory.replace('username: operator,', 'username: operator, enabled: false,'),
      );
      await heldBack(it.running, id, 'refused');
      const published = events(['a'], 2);
      await it.append(published);
      await writeFile(it.running.directoryFile, directory);
      await it.accepted(published);
      const revoked = await it.running.administer('/revocations', { account: 'account_id_1' });
      assert.equal(revoked.status, 200, JSON.stringify(revoked.body));
      await heldBack(it.running, id, 'switched_off');
      const later = events(['b'], 2);
      await it.append(later);
      const again = await it.loginOf(it.running);
      assert.partialDeepStrictEqual((await again.ask('GET', `/${id}`)).body, { state: 'off', reason: 'revoked' });
      assert.deepEqual(it.receiver.missing(later).length, 2);
      await again.ask('PATCH', `/${id}`, { enabled: true });
      await it.accepted(later);
    },
  );

  test(
    'needs a valid token and a sound body; all faults are named, and nothing of the body is repeated',
    LIMIT,
    async () => {
      await using it = await suite.open();
      const stranger = new OwnWebhookClient(it.running, 'nonsense');
      for (const method of ['GET', 'POST']) assert.equal((await stranger.ask(method)).status, 401);
      const wrong = await it.tenant.ask('POST', '', {
        url: 'http://crm.example.com/?key=sesame',
        format: 'XML',
        sesame: 1,
      });
      assert.deepEqual([wrong.status, wrong.body['code']], [400, 'invalid_webhook']);
      for (const part of ['url: https only', 'format: ', 'other members'])
        assert.ok(String(wrong.body['detail']).includes(part), String(wrong.body['detail']));
      assert.ok(!JSON.stringify(wrong.body).includes('sesame'));
      assert.equal((await it.tenant.ask('POST', '', '{')).body['code'], 'not_json');
      const { id } = await it.create();
      for (let n = 0; n < 10; n += 1) await it.tenant.ask('POST', `/${id}/test`);
      const often = await it.tenant.ask('POST', `/${id}/test`);
      assert.deepEqual([often.status, often.body['code']], [429, 'too_many_webhook_requests']);
      assert.ok(Number(often.headers['retry-after']) > 0);
    },
  );

  test('cannot be created where the resource does not allow it', LIMIT, async () => {
    await using it = await suite.open({ webhooks: {} });
    const { status, body } = await it.tenant.ask('POST', '', { url: URL });
    assert.deepEqual([status, body['code']], [404, 'webhooks_disabled']);
    const withoutRedis = startGateway({ webhooks: { selfService: { enabled: true } } });
    await assert.rejects(withoutRedis, /webhooks\.selfService\.enabled: .* set REDIS_URL/);
  });
});
