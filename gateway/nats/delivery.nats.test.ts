import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { nkeys } from '@nats-io/transport-node';
import { makeCertificates } from '../../testing/certificates.ts';
import { startNats, type NatsServer } from '../../testing/nats-server.ts';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { events } from '../testing/group-replica.ts';
import { ledgerFaults, SunkResource, TestStream, type SunkOptions } from '../testing/nats-gateway.ts';
import { Refused, startGateway } from '../testing/running-gateway.ts';
import { ACCOUNT } from '../testing/sent-resource.ts';

const LIMIT = { timeout: 120_000 };
const calls = (count: number) => Array.from({ length: count }, (_, at) => `call-${at}`);
let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

/** A server with a stream, a resource that names it, and one gateway. */
async function sunk({
  server: given,
  ...options
}: Omit<Partial<SunkOptions>, 'nats'> & { server?: NatsServer; nats?: object } = {}) {
  const stack = new AsyncDisposableStack();
  const server = given ?? stack.use(await startNats());
  const stream = new TestStream({ servers: server.url });
  if (given === undefined) await stream.create();
  const { nats, ...more } = options;
  const resource = stack.use(
    await SunkResource.create({ redisUrl: redis.url, nats: { servers: [server.url], ...nats }, ...more }),
  );
  const { logger, lines } = recordedLogger();
  const gateway = stack.use(await resource.start(logger));
  const administer = async (path: string, body?: unknown) => resource.administer(gateway.innerPort, path, body);
  return { server, stream, resource, gateway, lines, administer, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

type Sunk = Awaited<ReturnType<typeof sunk>>;

const stored = (it: Sunk, count: number) =>
  until(`${count} messages in the stream`, () => it.stream.count(), { holds: (seen) => seen >= count });
const shown = async (it: Sunk) => (await it.administer('/sinks/bus')).body;

describe('a group with a NATS sink', () => {
  test(
    'J1: its events are in the stream once each, in the order of each call, with id, subject and body',
    LIMIT,
    async () => {
      await using it = await sunk();
      const published = [
        ...events(calls(10), 10),
        ...events(['other.call *'], 3).map((event) => ({ ...event, account: 'account_id_4' })),
      ];
      await it.resource.publish(published);
      await stored(it, published.length);
      const messages = await it.stream.messages();
      assert.deepEqual(ledgerFaults(messages, published), []);
      assert.equal(messages.length, published.length);
      const first = messages.find(({ key }) => key === 'call-0/0');
      assert.equal(first?.subject, 'firehose.account_id_1.DTMF');
      assert.equal(first.id, 'call-0/0');
      assert.equal(first.headers['Content-Type'], 'application/json');
      const body = JSON.parse(first.body) as Record<string, unknown>;
      assert.deepEqual(Object.keys(body), ['type', 'timestamp', 'data', 'firehose']);
      assert.deepEqual([body['type'], body['data']], ['call.dtmf', { call: 'call-0', n: 0 }]);
      assert.equal(messages.find(({ key }) => key === 'other.call */0')?.subject, 'firehose.account_id_4.DTMF');
    },
  );

  test('the subject may have the call, made safe, and the message may be a CloudEvent', LIMIT, async () => {
    await using it = await sunk({
      nats: { subject: 'firehose.{event}.{call}', stream: 'CALLS', format: 'CloudEvents' },
    });
    await it.resource.publish(events(['a.b *'], 1));
    await stored(it, 1);
    const [message] = await it.stream.messages();
    assert.equal(message?.subject, 'firehose.DTMF.a%2Eb%20%2A');
    assert.equal(message.headers['Content-Type'], 'application/cloudevents+json');
    const { specversion, subject, data } = JSON.parse(message.body) as Record<string, unknown>;
    assert.deepEqual([specversion, subject, data], ['1.0', 'a.b *', { call: 'a.b *', n: 0 }]);
  });

  test('the privacy profile of the resource applies to the message', LIMIT, async () => {
    const spec = { privacy: { default: 'strict', profiles: [{ name: 'strict' }] } };
    await using it = await sunk({ spec, nats: { format: 'Raw' } });
    await it.resource.publish(events(['call-0'], 1));
    await stored(it, 1);
    const [message] = await it.stream.messages();
    assert.deepEqual([message?.id, message?.body], ['call-0/0', '{}']);
  });

  test('it accepts no connections', LIMIT, async () => {
    await using running = await startGateway({
      redisUrl: redis.url,
      groups: [{ name: 'bus', account: ACCOUNT, nats: { servers: ['nats://nats.invalid'] } }],
    });
    const token = await running.token();
    await assert.rejects(
      running.connect(`?token=${token}&group=bus`),
      (error) => error instanceof Refused && error.status === 409 && error.code === 'group_is_a_sink',
    );
  });

  test('administration shows its state and last messages, sends a test event and replays a range', LIMIT, async () => {
    await using it = await sunk();
    const published = events(calls(2), 2);
    await it.resource.publish(published);
    await stored(it, 4);
    const [attempt] = (await until('all attempts', async () => (await shown(it))['attempts'], {
      holds: (attempts) => (attempts as unknown[]).length === 4,
    })) as Record<string, unknown>[];
    assert.partialDeepStrictEqual(attempt, { status: null, code: null, verdict: 'acknowledged', attempt: 1 });
    assert.match(String(attempt?.['answer']), /^CALLS \d$/);
    const { body: list } = await it.administer('/sinks');
    assert.partialDeepStrictEqual(list, {
      sinks: [{ group: 'bus', host: `127.0.0.1:${it.server.port}`, held_back: null, off: null }],
    });
    assert.equal((list['sinks'] as Record<string, unknown>[])[0]?.['attempts'], undefined);
    const tested = await it.administer('/sinks/bus/test', {});
    assert.deepEqual([tested.status, tested.body['outcome']], [200, 'CALLS 5']);
    await it.stream.delete();
    await it.stream.create();
    assert.equal((await it.administer('/sinks/bus/replay', { from: '2020-01-01T00:00:00Z' })).status, 202);
    await stored(it, 4);
    const messages = await it.stream.messages();
    assert.deepEqual(ledgerFaults(messages, published), []);
    assert.equal(messages[0]?.headers['Firehose-Replay'], '1');
    const unknown = await it.administer('/sinks/crm');
    assert.deepEqual([unknown.status, unknown.body['code']], [404, 'no_such_sink']);
    assert.equal((await it.administer('/sinks/bus/enable', {})).status, 404);
    const health = await it.administer('/health');
    assert.ok(JSON.stringify(health.body).includes('sink'), JSON.stringify(health.body));
  });

  test('J2: a message that is too large for server or stream is a dead letter with its cause', LIMIT, async () => {
    await using server = await startNats({ more: { max_payload: 1_024 } });
    const stream = new TestStream({ servers: server.url });
    await stream.create({ max_msg_size: 800 });
    await using it = await sunk({ server, group: { maxDeliver: 2 } });
    const long = (length: number) => `long-${'x'.repeat(length)}`;
    const published = [...events(['call-0'], 1), ...events([long(450), long(320)], 1), ...events(['call-1'], 2)];
    await it.resource.publish(published);
    await stored(it, 3);
    const letters = await until(
      'two dead letters',
      async () => (await it.administer('/dead-letters/bus')).body['dead_letters'] as Record<string, unknown>[],
      { holds: (seen) => seen.length === 2 },
    );
    assert.deepEqual(
      letters
        .map(({ reason, attempts, error }) => [reason, attempts, error])
        .toSorted((a, b) => String(a[2]).localeCompare(String(b[2]))),
      [
        ['max_deliver', 2, 'NATS: JS_10054: message size exceeds maximum allowed'],
        ['max_deliver', 2, 'NATS: MAX_PAYLOAD'],
      ],
    );
    assert.equal((await shown(it))['failing_since'], null);
  });
});

test('without Redis no replay begins, and the answer says so', LIMIT, async () => {
  await using own = await startRedis();
  await using it = await sunk({ redisUrl: own.url });
  await own.kill();
  const answer = await it.administer('/sinks/bus/replay', { from: '2020-01-01T00:00:00Z' });
  assert.deepEqual([answer.status, answer.body['code']], [503, 'sinks_unavailable']);
  // A replica leaves what it has in Redis.
  await own.restart();
});

describe('the servers of a NATS sink', () => {
  test('with TLS the certificate is verified with the declared authorities, and for the host', LIMIT, async () => {
    await using certificates = await makeCertificates('localhost');
    await using stranger = await makeCertificates('localhost');
    await using server = await startNats({ tls: certificates });
    const ca = await readFile(certificates.caFile, 'utf8');
    const stream = new TestStream({ servers: server.url, tls: { ca } });
    await stream.create();
    const files = { 'bus.ca.crt': await readFile(stranger.caFile, 'utf8') };
    await using it = await sunk({ server, files });
    await it.resource.publish(events(calls(1), 3));
    await until('it fails', async () => (await shown(it))['failing_cause'], {
      holds: (seen) => /CERT|SIGNATURE|ISSUER/.test(String(seen)),
    });
    await it.resource.file('bus.ca.crt', ca);
    await until('all events in the stream', () => stream.count(), { holds: (seen) => seen === 3 });
    await using byAddress = await sunk({
      server,
      files: { 'bus.ca.crt': ca },
      nats: { servers: [`tls://127.0.0.1:${server.port}`] },
    });
    await byAddress.resource.publish(events(calls(1), 1));
    await until('it fails', async () => (await shown(byAddress))['failing_cause'], {
      holds: (seen) => seen === 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  test('a server without TLS is not used with tls://', LIMIT, async () => {
    await using server = await startNats();
    await using it = await sunk({ server, nats: { servers: [`tls://127.0.0.1:${server.port}`] } });
    await it.resource.publish(events(calls(1), 1));
    await until('it fails', async () => (await shown(it))['failing_cause']);
    assert.equal((await shown(it))['succeeded_at'], null);
  });

  test('J2, J3: wrong credentials are told, wait for right ones, and appear in no log', LIMIT, async () => {
    const [right, wrong] = ['right-canary-1', 'wrong-canary-2'];
    await using server = await startNats({ more: { authorization: { user: 'firehose', password: right } } });
    const stream = new TestStream({ servers: server.url, user: 'firehose', pass: right });
    await stream.create();
    const files = { 'bus.username': 'firehose', 'bus.password': wrong };
    await using it = await sunk({ server, files, group: { maxDeliver: 1 } });
    await it.resource.publish(events(calls(3), 3));
    await until('it fails', async () => (await shown(it))['failing_cause'], {
      holds: (seen) => seen === 'AUTHORIZATION_VIOLATION',
    });
    await it.resource.file('bus.password', right);
    await until('all events in the stream', () => stream.count(), { holds: (seen) => seen === 9 });
    assert.deepEqual((await it.administer('/dead-letters/bus')).body['dead_letters'], []);
    const told = it.lines.join('') + JSON.stringify(await shown(it));
    assert.doesNotMatch(told, /canary/);
    assert.match(told, /AUTHORIZATION_VIOLATION/);
  });

  test('J3: a token is a way to log in; without one that is declared nothing is sent', LIMIT, async () => {
    await using server = await startNats({ more: { authorization: { token: 'canary-token' } } });
    const stream = new TestStream({ servers: server.url, token: 'canary-token' });
    await stream.create();
    const nats = { servers: [server.url], tokenSecretRef: { name: 'bus' } };
    await using it = await sunk({ server, nats });
    await until('it is held back', async () => (await shown(it))['held_back'], {
      holds: (seen) => seen === 'no_secret',
    });
    await it.resource.publish(events(calls(1), 1));
    await it.resource.file('bus.token', 'canary-token\n');
    await until('the event in the stream', () => stream.count(), { holds: (seen) => seen === 1 });
    assert.doesNotMatch(it.lines.join(''), /canary/);
  });

  test(
    'J3: a credentials file of NATS is a way to log in; one that is none is named, without its content',
    LIMIT,
    async () => {
      const key = nkeys.createUser();
      const seed = new TextDecoder().decode(key.getSeed());
      const users = [{ user: 'admin', password: 'a' }, { nkey: key.getPublicKey() }];
      await using server = await startNats({ more: { authorization: { users } } });
      const stream = new TestStream({ servers: server.url, user: 'admin', pass: 'a' });
      await stream.create();
      const nats = { servers: [server.url], credsSecretRef: { name: 'bus' } };
      await using it = await sunk({ server, nats, files: { 'bus.creds': `canary ${seed}` } });
      await until('it is held back', async () => (await shown(it))['held_back'], {
        holds: (seen) => seen === 'no_secret',
      });
      assert.match(it.lines.join(''), /bus\.creds is not a credentials file of NATS/);
      // This server has users with keys, and reads no JWT.
      const creds = [
        ['-----BEGIN NATS USER JWT-----', 'e30.e30.e30', '------END NATS USER JWT------'],
        ['-----BEGIN USER NKEY SEED-----', seed, '------END USER NKEY SEED------'],
      ];
      await it.resource.file('bus.creds', creds.flat().join('\n'));
      await it.resource.publish(events(calls(1), 1));
      await until('the event in the stream', () => stream.count(), { holds: (seen) => seen === 1 });
      assert.ok(!it.lines.join('').includes(seed) && !it.lines.join('').includes('canary'));
    },
  );

  test('a missing permission is a fault of the endpoint', LIMIT, async () => {
    const users = [
      { user: 'admin', password: 'a' },
      { user: 'firehose', password: 'b', permissions: { publish: { deny: ['firehose.>'] } } },
    ];
    await using server = await startNats({ more: { authorization: { users } } });
    await new TestStream({ servers: server.url, user: 'admin', pass: 'a' }).create();
    const files = { 'bus.username': 'firehose', 'bus.password': 'b' };
    await using it = await sunk({ server, files, group: { maxDeliver: 1 } });
    await it.resource.publish(events(calls(2), 1));
    await until('it fails', async () => (await shown(it))['failing_cause'], {
      holds: (seen) => seen === 'PERMISSIONS_VIOLATION',
    });
    assert.deepEqual((await it.administer('/dead-letters/bus')).body['dead_letters'], []);
  });

  test('the next server is used when one is away', LIMIT, async () => {
    await using server = await startNats();
    await new TestStream({ servers: server.url }).create();
    await using it = await sunk({ server, nats: { servers: ['nats://127.0.0.1:1', server.url] } });
    await it.resource.publish(events(calls(1), 2));
    await stored(it, 2);
    assert.equal((await shown(it))['failing_since'], null);
  });
});
