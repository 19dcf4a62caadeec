import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { until } from '../../testing/until.ts';
import { OwnWebhookClient } from '../testing/own-webhook-client.ts';
import { PublicInternet } from '../testing/public-internet.ts';
import { OPEN_PROFILE } from '../testing/profiles.ts';
import { startGateway, type StartOptions } from '../testing/running-gateway.ts';
import { newSecret } from '../testing/webhook-gateway.ts';
import { WebhookReceiver } from '../testing/webhook-receiver.ts';

const LIMIT = { timeout: 120_000 };
const HOST = 'crm.example.com';
const URL = `https://${HOST}/hooks`;
const OPERATOR = { username: 'operator', password: 'operatorpassword', domain: 'north' };
let redis: RedisServer;
let client: RedisClient;
let names = 0;
before(async () => {
  redis = await startRedis();
  client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  await becomesReady(client, 10_000);
});
after(async () => {
  client.disconnect();
  await redis.stop();
});

/** A gateway with self-service, and logins of its users. */
async function opened(more: Partial<StartOptions> = {}) {
  const keyPrefix = `hostile-${(names += 1)}:`;
  const running = await startGateway({
    redisUrl: redis.url,
    redis: { keyPrefix },
    webhooks: { selfService: { enabled: true, maxPerAccount: 3, maxTotal: 5 } },
    ...more,
  });
  const loginOf = async (login: object) =>
    new OwnWebhookClient(running, String((await running.login({ ...OPERATOR, ...login })).body['access_token']));
  return {
    running,
    loginOf,
    tenant: await loginOf({}),
    parent: new OwnWebhookClient(running, await running.token()),
    hash: `${keyPrefix}default/quickstart:own-webhooks`,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

const listed = async (tenant: OwnWebhookClient) => (await tenant.ask('GET')).body['webhooks'] as { id: string }[];

describe('a webhook of a hostile or unlucky login', () => {
  test('a URL without a possible host or port is a fault of the body', LIMIT, async () => {
    await using it = await opened();
    const { id } = await it.tenant.create({ url: URL });
    for (const url of ['https://crm.example.com:99999/', 'https://[1:2]/', 'https://1.2.3.4.5/'])
      for (const refused of [await it.tenant.ask('POST', '', { url }), await it.tenant.ask('PATCH', `/${id}`, { url })])
        assert.deepEqual([refused.status, refused.body['code']], [400, 'invalid_webhook'], url);
    const port = await it.tenant.ask('POST', '', { url: `https://${HOST}:0/` });
    assert.deepEqual([port.status, port.body['code']], [400, 'webhook_address']);
  });

  test('a record that nobody can read stops no other webhook, is named in the log, and stays', LIMIT, async () => {
    const { lines, logger } = recordedLogger();
    await using it = await opened({ logger });
    const { id } = await it.tenant.create({ url: URL });
    const record = JSON.parse(String(await client.hget(it.hash, `account_id_1/${id}`))) as object;
    const damaged = { url: { ...record, url: 'nonsense' }, time: { ...record, createdAt: 1e300 }, later: { v: 2 } };
    const fieldOf = (name: string) => `account_id_1/wh_${name.padEnd(24, 'A')}`;
    const fields = Object.entries(damaged).map(([name, value]): [string, string] => [
      fieldOf(name),
      JSON.stringify(value),
    ]);
    await client.hset(it.hash, { ...Object.fromEntries(fields), revision: 'damaged' });
    await until('a line in the log', () =>
      lines.some((line) => line.includes('cannot be read: nothing is sent for them')),
    );
    assert.deepEqual(
      (await listed(it.tenant)).map((one) => one.id),
      [id],
    );
    await it.parent.create({ url: URL });
    assert.equal((await it.tenant.ask('DELETE', `/${id}`)).status, 204);
    assert.equal((await client.hmget(it.hash, ...fields.map(([field]) => field))).includes(null), false);
    assert.ok(!lines.some((line) => line.includes('unexpected error')));
  });

  test('a creation that fails leaves no webhook with a secret that nobody was told', LIMIT, async () => {
    const { port } = new globalThis.URL(redis.url);
    await using proxy = await startTcpProxy(Number(port));
    await using it = await opened({ redisUrl: proxy.url });
    // Redis knows the scripts from now on.
    await it.tenant.ask('DELETE', `/${(await it.tenant.create({ url: URL })).id}`);
    const held = proxy.hold(/account_id_1\/wh_/);
    const failed = await it.tenant.ask('POST', '', { url: URL });
    assert.deepEqual([failed.status, failed.body['code']], [503, 'webhooks_unavailable']);
    assert.ok(held.isHolding);
    const gone = async () => (await client.hkeys(it.hash)).filter((field) => field.startsWith('!/')).length;
    await until('given up', gone, { holds: (count) => count === 2 });
    // Redis executes it now, late.
    held.release();
    const { id } = await it.tenant.create({ url: URL });
    assert.deepEqual(
      (await listed(it.tenant)).map((one) => one.id),
      [id],
    );
  });

  test('one account that creates and deletes takes no room from others', LIMIT, async () => {
    await using it = await opened();
    for (let n = 0; n < 6; n += 1) {
      const { id } = await it.tenant.create({ url: URL });
      assert.equal((await it.tenant.ask('DELETE', `/${id}`)).status, 204);
    }
    await it.parent.create({ url: URL });
  });

  test('is switched off by its login also when its accounts are no longer there', LIMIT, async () => {
    await using it = await opened();
    const { id } = await it.tenant.create({ url: URL, accounts: ['account_id_3'] });
    const directory = await readFile(it.running.directoryFile, 'utf8');
    await writeFile(it.running.directoryFile, directory.replace(/^.*account_id_3.*\n/m, ''));
    const accounts = async () => JSON.stringify((await it.running.administer('/directory')).body);
    await until('the account gone', accounts, {
      holds: (all) => all.includes('account_id_1') && !all.includes('account_id_3'),
    });
    assert.equal((await it.tenant.ask('PATCH', `/${id}`, { accounts: ['account_id_3'] })).status, 403);
    const off = await it.tenant.ask('PATCH', `/${id}`, { enabled: false });
    assert.partialDeepStrictEqual(off, { status: 200, body: { enabled: false, reason: 'owner' } });
  });

  test('its receiver is shown no more when a login that sees more changes something else', LIMIT, async () => {
    using internet = new PublicInternet();
    await using receiver = await WebhookReceiver.start(newSecret(), HOST);
    await internet.add(HOST, receiver);
    await using it = await opened({ privacy: { profiles: [{ ...OPEN_PROFILE, name: 'masked', numbers: 'Drop' }] } });
    const { directoryFile } = it.running;
    const [, hash = ''] = /passwordHash: '([^']*)',\n *\}\n *$/.exec(await readFile(directoryFile, 'utf8')) ?? [];
    const partner = `  - { username: partner, account: account_id_1, privacy: masked, passwordHash: '${hash}' }\n`;
    await writeFile(directoryFile, (await readFile(directoryFile, 'utf8')) + partner);
    const login = () => it.running.login({ ...OPERATOR, username: 'partner' });
    await until('the partner', login, { holds: ({ status }) => status === 200 });
    const masked = await it.loginOf({ username: 'partner' });
    const { id, secret } = await masked.create({ url: URL });
    receiver.secret = secret;
    const sent = async (callId: string) => {
      const event = { 'Event-Category': 'call_event', 'Event-Name': 'CHANNEL_CREATE', 'Call-ID': callId };
      const body = { ...event, 'Account-ID': 'account_id_1', 'Caller-ID-Number': '+4930777' };
      await it.running.ingest(JSON.stringify(body));
      const found = () => receiver.received.find((hook) => JSON.stringify(hook).includes(callId));
      return JSON.stringify(await until('the event', found));
    };
    assert.ok(!(await sent('first')).includes('4930777'));
    assert.equal((await it.tenant.ask('PATCH', `/${id}`, { description: 'ours' })).status, 200);
    assert.ok(!(await sent('second')).includes('4930777'));
    // A login that names the receiver decides on it.
    assert.equal((await it.tenant.ask('PATCH', `/${id}`, { url: URL })).status, 200);
    assert.ok((await sent('third')).includes('4930777'));
    assert.equal((await masked.ask('PATCH', `/${id}`, { description: 'mine' })).status, 403);
  });
});
