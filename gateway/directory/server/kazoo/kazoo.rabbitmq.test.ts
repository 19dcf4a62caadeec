import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { createGunzip } from 'node:zlib';
import { connect, type Channel } from 'amqplib';
import { DIRECTORY_REFRESH_PATH } from '../../../../protocol/paths.ts';
import { assertMetrics } from '../../../../testing/assert-metrics.ts';
import { makeCertificates, type Certificates } from '../../../../testing/certificates.ts';
import { startRabbit, type RabbitServer } from '../../../../testing/rabbitmq-server.ts';
import { recordedLogger } from '../../../../testing/recorded-logger.ts';
import { freePort } from '../../../../testing/free-port.ts';
import { until } from '../../../../testing/until.ts';
import { startGateway, type RunningGateway } from '../../../testing/running-gateway.ts';
import { DIRECTORY_SERVER_METRICS } from '../metric-table.ts';
import { startKazooDirectory } from './main.ts';
import { KAZOO_USER, startKazooPlatform, type KazooAccount, type KazooPlatform } from './testing/kazoo-platform.ts';

const LIMIT = { timeout: 180_000 };
const ROOT = '91eb05e5c68d7ca05e7618b6821d2d16';
const EXCHANGE = 'configuration';
const TOKEN = 'canary-shared-token';
const BROKER_PASSWORD = 'canary-of-the-broker';

let rabbit: RabbitServer;
let certificates: Certificates;
before(async () => {
  certificates = await makeCertificates();
  rabbit = await startRabbit({ tls: certificates });
  await rabbit.ctl('add_user', 'firehose', BROKER_PASSWORD);
  const own = '^firehose-directory\\.';
  await rabbit.ctl('set_permissions', 'firehose', own, own, `^(${EXCHANGE}$|firehose-directory\\.)`);
}, LIMIT);
after(async () => {
  await rabbit[Symbol.asyncDispose]();
  await certificates[Symbol.asyncDispose]();
});

/** The exchange of a Kazoo node, and what it publishes when a document is written (kapi_conf, kz_amqp_util). */
async function openKazooNode() {
  const connection = await connect(rabbit.url);
  // A broker that is killed takes its clients' connections along.
  connection.on('error', () => undefined);
  const channel: Channel = await connection.createChannel();
  channel.on('error', () => undefined);
  await channel.assertExchange(EXCHANGE, 'topic', { durable: false, autoDelete: false });
  const publish = (action: 'created' | 'edited' | 'deleted', id: string) => {
    for (const database of ['accounts', `account%2F${id.slice(0, 2)}%2F${id.slice(2, 4)}%2F${id.slice(4)}`]) {
      const body = {
        'Event-Category': 'configuration',
        'Event-Name': `doc_${action}`,
        ID: id,
        'Account-ID': id,
        Type: 'account',
        Database: database,
        Rev: '2-a',
        'App-Name': 'datamgr',
        'App-Version': '4.0.0',
      };
      channel.publish(EXCHANGE, `doc_${action}.${database}.account.${id}`, Buffer.from(JSON.stringify(body)));
    }
    channel.publish(EXCHANGE, `doc_edited.accounts.user.${id}`, Buffer.from('{"ID":"of-a-user"}'));
    channel.publish(EXCHANGE, `doc_edited.accounts.account.${id}`, Buffer.from('nonsense'));
  };
  return { publish, [Symbol.asyncDispose]: () => connection.close().catch(() => undefined) };
}

const tree = (): Record<string, KazooAccount> => ({
  [ROOT]: { name: 'admin', realm: 'admin.sip.example.com', parent: null },
  acme: { name: 'Acme', realm: 'acme.example.com', parent: ROOT },
  closed: { name: 'Closed', realm: 'closed.example.com', parent: 'acme', enabled: false },
});

interface Setup {
  readonly platform: KazooPlatform;
  readonly gateway: RunningGateway;
  readonly lines: readonly string[];
  readonly metrics: () => Promise<string>;
  readonly isUp: () => Promise<boolean>;
  /** What the directory server serves, as text. */
  readonly served: () => Promise<string>;
}

/** A platform, a directory server before it, and a gateway that takes users from Kazoo: every connection with TLS. */
async function setUp(stack: AsyncDisposableStack, brokerUrl = rabbit.tlsUrl): Promise<Setup> {
  const platform = stack.use(await startKazooPlatform(tree()));
  const folder = await mkdtemp(join(tmpdir(), 'firehose-kazoo-directory-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  await mkdir(join(folder, 'tls'));
  await copyFile(certificates.certFile, join(folder, 'tls/tls.crt'));
  await copyFile(certificates.keyFile, join(folder, 'tls/tls.key'));
  const innerPort = await freePort();
  const tokenFile = await file('token', TOKEN);
  const { lines, logger } = recordedLogger();
  const server = stack.use(
    await startKazooDirectory(
      {
        FIREHOSE_KAZOO_URL: platform.url,
        FIREHOSE_KAZOO_API_KEY_FILE: await file('key', platform.apiKey),
        FIREHOSE_KAZOO_CA_FILE: platform.caFile,
        FIREHOSE_AMQP_URL_FILE: await file('amqp', brokerUrl.replace('guest:guest', `firehose:${BROKER_PASSWORD}`)),
        FIREHOSE_AMQP_CA_FILE: certificates.caFile,
        FIREHOSE_AMQP_TLS_FOLDER: join(folder, 'tls'),
        FIREHOSE_DIRECTORY_TOKEN_FILE: tokenFile,
        FIREHOSE_DIRECTORY_TLS_FOLDER: join(folder, 'tls'),
        FIREHOSE_DIRECTORY_PUSH: `http://127.0.0.1:${innerPort}${DIRECTORY_REFRESH_PATH}`,
        FIREHOSE_DIRECTORY_PORT: '0',
        FIREHOSE_INNER_PORT: '0',
      },
      logger,
    ),
  );
  const inner = async (path: string) => fetch(`http://127.0.0.1:${server.innerPort}${path}`);
  await until('a directory that is served', async () => (await inner('/readyz')).status === 200);
  const gateway = stack.use(
    await startGateway({
      directoryServer: { url: `https://localhost:${server.port}/`, caFile: certificates.caFile },
      auth: { login: ['Kazoo'], kazoo: { url: platform.url } },
      environment: {
        FIREHOSE_DIRECTORY_TOKEN_FILE: tokenFile,
        FIREHOSE_INNER_PORT: String(innerPort),
        FIREHOSE_KAZOO_CA_FILE: platform.caFile,
      },
    }),
  );
  const metrics = async () => (await inner('/metrics')).text();
  const isUp = async () => /^firehose_directory_server_bus_up 1$/m.test(await metrics());
  const ca = await readFile(certificates.caFile, 'utf8');
  const served = () => get(`https://localhost:${server.port}/`, { ca, headers: { authorization: `Bearer ${TOKEN}` } });
  return { platform, gateway, lines, metrics, isUp, served };
}

async function get(url: string, options: RequestOptions): Promise<string> {
  const [response] = (await once(request(url, options).end(), 'response')) as [IncomingMessage];
  return text(response.pipe(createGunzip()));
}

/** Of the gateway: a login that is asked again and again would meet its limits. */
async function gatewayMetric({ gateway }: Setup, name: string): Promise<number> {
  const exposition = await (await fetch(`http://127.0.0.1:${gateway.gateway.innerPort}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(exposition)?.[1] ?? 0);
}
const accountsAre = (setup: Setup, count: number) =>
  until(
    `${count} accounts at the gateway`,
    async () => (await gatewayMetric(setup, 'firehose_directory_accounts')) === count,
  );
/** The first one is that of its start. */
const changesAre = (setup: Setup, count: number) =>
  until(
    `${count} changes at the gateway`,
    async () => (await gatewayMetric(setup, 'firehose_directory_refreshes_total\\{outcome="changed"\\}')) >= count,
  );

const login = async ({ gateway }: Setup, domain: string, more: object = {}) =>
  (await gateway.login({ ...KAZOO_USER, domain, ...more })).status;

test(
  'a Kazoo platform needs to write nothing: its accounts log in, and each change is in force as it happens',
  LIMIT,
  async () => {
    await using stack = new AsyncDisposableStack();
    const node = stack.use(await openKazooNode());
    const setup = await setUp(stack);
    const { platform, gateway } = setup;
    await until('changes from the bus', setup.isUp);
    assert.deepEqual(
      [await login(setup, 'acme'), await login(setup, 'closed'), await login(setup, 'admin')],
      [200, 401, 200],
    );
    const { body } = await gateway.login({ ...KAZOO_USER, domain: 'acme' });
    const client = await gateway.connect(`?token=${String(body['access_token'])}`);
    const walks = () => platform.asked.filter((one) => one.endsWith('/descendants')).length;
    const before = walks();

    platform.accounts.set('new', { name: 'New', realm: 'new.example.com', parent: 'acme' });
    node.publish('created', 'new');
    await accountsAre(setup, 4);
    assert.equal(await login(setup, 'acme', { accounts: ['new'] }), 200);
    await gateway.ingest(JSON.stringify({ 'Event-Name': 'DTMF', 'Call-ID': 'c', 'Account-ID': 'new' }));
    await client.received(1);

    Object.assign(platform.accounts.get('new') as KazooAccount, { parent: ROOT });
    node.publish('edited', 'new');
    await changesAre(setup, 3);
    assert.equal(await login(setup, 'acme', { accounts: ['new'] }), 403);

    platform.endTokens();
    Object.assign(platform.accounts.get('acme') as KazooAccount, { enabled: false });
    node.publish('edited', 'acme');
    assert.equal((await client.closed).code, 4503);
    assert.equal(await login(setup, 'acme'), 401);

    platform.accounts.delete('new');
    node.publish('deleted', 'new');
    await accountsAre(setup, 3);
    assert.equal(walks(), before, 'no walk through the tree was needed');
    assertMetrics(await setup.metrics(), DIRECTORY_SERVER_METRICS);
    assert.doesNotMatch(setup.lines.join(''), /canary/);
  },
);

test('without its broker the tree is walked; what changed meanwhile is found when it is back', LIMIT, async () => {
  await using stack = new AsyncDisposableStack();
  stack.use(await openKazooNode());
  const setup = await setUp(stack);
  await until('changes from the bus', setup.isUp);
  await rabbit.kill();
  await until('an outage that is seen', async () => !(await setup.isUp()));
  Object.assign(setup.platform.accounts.get('closed') as KazooAccount, { enabled: true });
  assert.equal(await login(setup, 'closed'), 401);
  await rabbit.restart();
  stack.use(await openKazooNode());
  const isEnabled = async () => /"closed".*"enabled":true/.test(await setup.served());
  await until('the account enabled', isEnabled, { limitMs: 90_000 });
  await changesAre(setup, 2);
  assert.equal(await login(setup, 'closed'), 200);
});

test('while the API is away, the last directory is served', LIMIT, async () => {
  await using stack = new AsyncDisposableStack();
  const node = stack.use(await openKazooNode());
  const setup = await setUp(stack);
  await until('changes from the bus', setup.isUp);
  const { platform, gateway } = setup;
  platform.misbehave((request, response) => {
    if (!(request.url ?? '').includes('/accounts/')) return false;
    response.writeHead(500).end();
    return true;
  });
  platform.accounts.set('new', { name: 'New', realm: 'new.example.com', parent: 'acme' });
  node.publish('created', 'new');
  await until('the outage in the log', () => setup.lines.some((line) => line.includes('STATUS_500')), {
    limitMs: 60_000,
  });
  assert.equal(await gateway.refreshDirectory(), 202);
  assert.equal(await login(setup, 'acme'), 200);
  platform.misbehave(null);
  await accountsAre(setup, 4);
});

test('settings that are wrong are all told at once, and none of their content', async () => {
  const { logger } = recordedLogger();
  const environment = { FIREHOSE_KAZOO_URL: 'https://user:canary@kazoo', FIREHOSE_DIRECTORY_INTERVAL: '0' };
  await assert.rejects(startKazooDirectory(environment, logger), (error: { faults: string[] }) => {
    assert.equal(error.faults.length, 4);
    assert.doesNotMatch(error.faults.join(), /canary/);
    return true;
  });
  const secret = join(await mkdtemp(join(tmpdir(), 'firehose-kazoo-directory-')), 'amqp');
  await writeFile(secret, 'canary');
  const files = {
    FIREHOSE_KAZOO_URL: 'https://kazoo:8443',
    FIREHOSE_KAZOO_API_KEY_FILE: '/nowhere/key',
    FIREHOSE_AMQP_URL_FILE: secret,
    FIREHOSE_DIRECTORY_TOKEN_FILE: '/nowhere/token',
  };
  await assert.rejects(startKazooDirectory(files, logger), (error: { faults: string[] }) => {
    assert.equal(error.faults.length, 3);
    assert.doesNotMatch(error.faults.join(), /canary/);
    return true;
  });
  assert.equal(await readFile(secret, 'utf8'), 'canary');
  await rm(join(secret, '..'), { recursive: true });
});
