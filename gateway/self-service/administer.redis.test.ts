import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../../testing/until.ts';
import { resourceKeys } from '../../protocol/keys.ts';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { events } from '../testing/group-replica.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { HOST, SelfServiceSuite, URL } from '../testing/self-service-suite.ts';
import { decodeRecord } from './record.ts';
import { sealedBy } from './seal-secret.ts';

const LIMIT = { timeout: 120_000 };
let suite: SelfServiceSuite;
before(async () => (suite = await SelfServiceSuite.start()));
after(() => suite[Symbol.asyncDispose]());

type Opened = Awaited<ReturnType<SelfServiceSuite['open']>>;

/** As Redis has it. */
async function recordOf({ keyPrefix }: Opened, id: string) {
  const stored = await suite.client.hgetall(resourceKeys(keyPrefix, 'default/quickstart').ownWebhooks);
  const text = stored[`account_id_1/${id}`];
  const webhook = text === undefined ? null : decodeRecord({ account: 'account_id_1', id }, text);
  assert.ok(webhook !== null, 'there is no such record');
  return webhook.record;
}

const seenBy = async (running: RunningGateway, id: string) => (await running.administer(`/webhooks/${id}`)).body;

describe('an administrator of webhooks of logins', { timeout: 600_000 }, () => {
  test('sees whose they are and how far behind, and nothing that is secret', LIMIT, async () => {
    await using it = await suite.open();
    const { id, secret } = await it.create({ url: `${URL}?key=sesame`, description: 'CRM' });
    const { webhooks } = (await it.running.administer('/webhooks')).body as { webhooks: readonly object[] };
    assert.partialDeepStrictEqual(webhooks, [
      { group: id, account: 'account_id_1', host: HOST, self_service: { changed_by: 'operator', switched_off: null } },
    ]);
    it.receiver.behave((_, response) => response.writeHead(503).end());
    await it.append(
      events(
        Array.from({ length: 50 }, (_, call) => `call-${call}`),
        20,
      ),
    );
    // Read every ten seconds.
    await until('its lag', () => seenBy(it.running, id), {
      holds: ({ lag, pending }) => Number(lag) + Number(pending) === 1_000,
      limitMs: 30_000,
    });
    const shown = JSON.stringify([webhooks, await seenBy(it.running, id)]);
    for (const hidden of ['sesame', secret.slice('whsec_'.length)]) assert.ok(!shown.includes(hidden), hidden);
    const metrics = await (await fetch(`http://127.0.0.1:${it.running.gateway.innerPort}/metrics`)).text();
    assert.match(metrics, /^firehose_self_service_lag(?:{[^}]*})? 1000$/m);
    assert.match(metrics, /^firehose_self_service_failing(?:{[^}]*})? 1$/m);
    for (const hidden of [HOST, id, 'account_id_1']) assert.ok(!metrics.includes(hidden), hidden);
  });

  test('disables one: its owner sees by whom, cannot end it, and has the same grant afterwards', LIMIT, async () => {
    const { lines, logger } = recordedLogger();
    await using it = await suite.open({ logger });
    await using other = await it.running.another();
    const narrow = await it.loginOf(it.running, { events: ['CHANNEL_ANSWER'] });
    const { id } = await narrow.create({ url: URL });
    const granted = await recordOf(it, id);
    const disabled = await other.administer(`/webhooks/${id}/disable`, {});
    assert.equal(disabled.status, 200, JSON.stringify(disabled.body));
    assert.partialDeepStrictEqual((await it.tenant.ask('GET', `/${id}`)).body, { state: 'off', reason: 'operator' });
    for (const body of [{ enabled: true }, { enabled: true, url: URL }]) {
      const refused = await it.tenant.ask('PATCH', `/${id}`, body);
      assert.deepEqual([refused.status, refused.body['code']], [403, 'webhook_stopped_by_operator']);
    }
    // What its owner may still do does not switch it on.
    for (const body of [{ enabled: false }, { description: 'mine' }])
      assert.partialDeepStrictEqual((await narrow.ask('PATCH', `/${id}`, body)).body, { reason: 'operator' });
    await it.append(events(['a'], 3));
    const enabled = await it.running.administer(`/webhooks/${id}/enable`, {});
    assert.partialDeepStrictEqual(enabled.body, { self_service: { changed_by: 'operator', switched_off: null } });
    await until('that its owner sees it', async () => (await it.tenant.ask('GET', `/${id}`)).body['state'], {
      holds: (state) => state === 'sending',
    });
    const { accounts, events: names, by } = await recordOf(it, id);
    assert.deepEqual({ accounts, names }, { accounts: granted.accounts, names: granted.events });
    assert.deepEqual(names, ['CHANNEL_ANSWER']);
    assert.equal(by.username, granted.by.username);
    const said = JSON.stringify(lines);
    assert.ok(said.includes('switched off by an administrator') && said.includes('allowed again by an administrator'));
  });

  test('does not switch on what its owner or a revocation switched off', LIMIT, async () => {
    await using it = await suite.open();
    const { id } = await it.create();
    await it.tenant.ask('PATCH', `/${id}`, { enabled: false });
    await it.running.administer(`/webhooks/${id}/enable`, {});
    assert.partialDeepStrictEqual((await it.tenant.ask('GET', `/${id}`)).body, { state: 'off', reason: 'owner' });
    await it.tenant.ask('PATCH', `/${id}`, { enabled: true });
    await it.running.administer(`/webhooks/${id}/disable`, {});
    await it.running.administer('/revocations', { account: 'account_id_1' });
    await it.running.administer(`/webhooks/${id}/enable`, {});
    await until('that it is off again', async () => (await recordOf(it, id)).off, {
      holds: (off) => off === 'revoked',
    });
  });

  test('deletes one: nothing more is sent, and to its owner it is one that does not exist', LIMIT, async () => {
    await using it = await suite.open();
    await using other = await it.running.another();
    const { id } = await it.create();
    const first = events(['a'], 2);
    await it.append(first);
    await it.accepted(first);
    const deleted = await other.administer(`/webhooks/${id}/delete`, {});
    assert.deepEqual([deleted.status, deleted.body], [200, { deleted: id }]);
    assert.equal((await it.tenant.ask('GET', `/${id}`)).body['code'], 'unknown_webhook');
    const seen = it.receiver.received.length;
    await it.append(events(['b'], 3));
    for (const running of [it.running, other])
      await until('no such webhook', async () => (await running.administer(`/webhooks/${id}/test`, {})).status, {
        holds: (status) => status === 404,
      });
    assert.equal(it.receiver.received.length, seen);
    // It is created anew by its owner, who has room for it again.
    await it.create();
  });

  test('changes no webhook that the resource declares', LIMIT, async () => {
    const crm = { name: 'crm', account: 'account_id_1', webhook: { url: 'https://crm.invalid/' } };
    await using it = await suite.open({ groups: [crm] });
    for (const action of ['disable', 'delete']) {
      const refused = await it.running.administer(`/webhooks/crm/${action}`, {});
      assert.deepEqual([refused.status, refused.body['code']], [409, 'webhook_is_declared']);
    }
    assert.partialDeepStrictEqual(await seenBy(it.running, 'crm'), { self_service: null });
  });

  test(
    'W5: rotates the signing keys: old secrets stay readable and are sealed again, new ones are sealed by the new key',
    LIMIT,
    async () => {
      await using it = await suite.open();
      const { id } = await it.create();
      const { secret: sealedBefore } = await recordOf(it, id);
      await using rotated = await startGateway({
        redisUrl: suite.redis.url,
        redis: { keyPrefix: it.keyPrefix },
        webhooks: { selfService: { enabled: true } },
        state: it.running.stateFolder,
        auth: { token: { signing: { algorithm: 'EdDSA' } } },
      });
      await it.running.gateway[Symbol.asyncDispose]();
      const tenant = await it.loginOf(rotated);
      // Sealed by the former key, and signed with what it holds: the receiver verifies.
      const first = events(['a'], 2);
      await it.append(first);
      await it.accepted(first);
      const created = await tenant.create({ url: URL });
      const { secret: sealedAfter } = await recordOf(it, created.id);
      assert.notEqual(sealedBy(sealedAfter), sealedBy(sealedBefore));
      const { secret: again } = await until('the old one sealed again', () => recordOf(it, id), {
        holds: ({ secret }) => sealedBy(secret) === sealedBy(sealedAfter),
        limitMs: 60_000,
      });
      assert.notEqual(again, sealedBefore);
      await tenant.ask('DELETE', `/${created.id}`);
      const second = events(['b'], 2);
      await it.append(second);
      await it.accepted(second);
      assert.deepEqual(it.receiver.faults, []);
    },
  );
});
