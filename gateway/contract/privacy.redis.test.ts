import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CALLS_PATH } from '../../protocol/paths.ts';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { hashPassword } from '../auth/password.ts';
import { openEvents } from '../testing/event-stream-client.ts';
import { frames, untilFrame } from '../testing/frames.ts';
import { OPEN_PROFILE } from '../testing/profiles.ts';
import { Refused, startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';

const LIMIT = { timeout: 120_000 };
const ROOT = '91eb05e5c68d7ca05e7618b6821d2d16';
const NUMBER = '+4930777';
const CANARIES = [
  'canarysdp',
  'canaryhost',
  '4930777',
  'canaryname',
  'canarydigit',
  'canarybill',
  'canaryvar',
  'canaryfree',
];
const MASKED = { ...OPEN_PROFILE, name: 'masked', numbers: 'Last4' };
const PRIVACY = { profiles: [{ name: 'strict' }, MASKED] };

const leg = (callId: string, { account = 'account_id_1', name = 'CHANNEL_CREATE' } = {}) =>
  JSON.stringify({
    'Event-Category': 'call_event',
    'Event-Name': name,
    'Call-ID': callId,
    'Account-ID': account,
    'Caller-ID-Number': NUMBER,
    'Caller-ID-Name': 'canaryname',
    From: `${NUMBER}@canaryhost:5060`,
    'Local-SDP': 'canarysdp',
    'Switch-Hostname': 'canaryhost',
    'DTMF-Digit': 'canarydigit',
    Free: 'canaryfree',
    'Custom-Channel-Vars': {
      'Account-ID': account,
      'Owner-ID': 'canaryvar',
      'Account-Billing': 'canarybill',
      'Caller-ID-Number': NUMBER,
    },
  });

/**
 * The profile of each login: `partner` has none, beside `vendor` of the same account; `south` of another account has a
 * different one.
 */
async function directoryWith(profiles: Readonly<Record<string, string>>): Promise<string> {
  const passwordHash = await PASSWORD_HASH;
  const user = (username: string, account: string) => ({
    username,
    account,
    passwordHash,
    ...(profiles[username] !== undefined && { privacy: profiles[username] }),
  });
  return JSON.stringify({
    accounts: [
      { id: ROOT, name: 'admin', realm: 'admin.sip.example.com' },
      { id: 'account_id_1', name: 'north', realm: 'north.sip.example.com', parent: ROOT },
      { id: 'account_id_2', name: 'south', realm: 'south.sip.example.com', parent: ROOT },
    ],
    users: [user('vendor', 'account_id_1'), user('partner', 'account_id_1'), user('south', 'account_id_2')],
  });
}

const PASSWORD = 'sesame';
const PASSWORD_HASH = hashPassword(PASSWORD);
const PROFILES = { vendor: 'strict', south: 'masked' };

const logIn = (running: RunningGateway, username: string, more: object = {}) =>
  running.login({ username, password: PASSWORD, domain: username === 'south' ? 'south' : 'north', ...more });

async function tokenOf(running: RunningGateway, username: string, more: object = {}): Promise<string> {
  const { status, body } = await logIn(running, username, more);
  assert.equal(status, 200, JSON.stringify(body));
  return String(body['access_token']);
}

function assertClean(texts: readonly string[], what: string): void {
  assert.ok(texts.length > 0, what);
  for (const text of texts) {
    for (const canary of CANARIES) assert.ok(!text.includes(canary), `${what}: ${canary} in ${text}`);
  }
}

const eventsOf = (client: Client) => client.messages.filter((text) => text.includes('"Event-Name"'));
const pseudonymsIn = (texts: readonly string[]) =>
  new Set(texts.flatMap((text) => [...text.matchAll(/"(p[a-z0-9]*_[\w-]{16})["@]/g)].map(([, found]) => found)));

async function getCalls({ gateway, stateFolder }: RunningGateway, token: string, accept = 'application/json') {
  const ca = await readFile(join(stateFolder, 'ca.crt'));
  const headers = { Authorization: `Bearer ${token}`, Accept: accept };
  return new Promise<string>((resolve, reject) => {
    const asked = request({ port: gateway.port, host: '127.0.0.1', path: CALLS_PATH, headers, ca });
    asked.once('response', (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () => resolve(text));
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** Two replicas over TLS, with a resource's default configuration. */
async function openTwo(redis: RedisServer, options: Parameters<typeof startGateway>[0] = {}) {
  const first = await startGateway({
    redisUrl: redis.url,
    calls: { enabled: true },
    privacy: PRIVACY,
    directory: await directoryWith(PROFILES),
    ...options,
  });
  return [first, await first.another()] as const;
}

type Replicas = Awaited<ReturnType<typeof openTwo>>;

async function close(replicas: Replicas | undefined, redis: RedisServer | undefined): Promise<void> {
  for (const one of (replicas ?? []).toReversed()) await one[Symbol.asyncDispose]();
  await redis?.stop();
}

describe('V1: on every way that events leave, nothing leaves of what a profile hides', () => {
  let redis: RedisServer;
  let replicas: Replicas;
  const { lines, logger } = recordedLogger('debug');
  before(async () => {
    redis = await startRedis();
    replicas = await openTwo(redis, { logger });
  });
  after(() => close(replicas, redis));

  test('live in every format, compressed and replayed, with one pseudonym on both replicas', LIMIT, async () => {
    const [first] = replicas;
    const token = await tokenOf(first, 'vendor');
    const queries = ['', '&meta=1', '&v=1', ...Array.from({ length: 9 }, () => '&meta=1')];
    const clients = await Promise.all(
      replicas.flatMap((replica) => queries.map(async (query) => replica.connect(`?token=${token}${query}`))),
    );
    for (const at of [2, 2 + queries.length]) {
      const hello = await untilFrame(clients[at] as Client, 'hello');
      assert.equal(hello.privacy, 'strict');
    }
    await first.ingest([1, 2, 3].map((n) => leg(`live-${n}`)).join('\n'));
    const seen: string[] = [];
    for (const [at, client] of clients.entries()) {
      await until('the events', () => eventsOf(client).length === 3);
      assertClean(client.messages, `live ${at}`);
      seen.push(...eventsOf(client));
      client.close();
    }
    for (const replica of replicas) {
      const replay = await replica.connect(`?token=${token}&from=-1h&to=-0s`);
      await replay.closed;
      assertClean(replay.messages, 'replay');
      seen.push(...replay.messages);
    }
    assert.equal(pseudonymsIn(seen).size, 1);
  });

  test('as Server-Sent Events: live, resumed, as CloudEvents and in a snapshot', LIMIT, async () => {
    const token = await tokenOf(replicas[0], 'vendor');
    for (const replica of replicas) {
      const queries = ['', '&meta=1', '&format=cloudevents', '&snapshot=calls', '&from=-1h'];
      const streams = await Promise.all(queries.map((query) => openEvents(replica, `?token=${token}${query}`)));
      for (const stream of streams) await stream.announced('hello');
      const resumeFrom = streams[0]?.lastEventId ?? '';
      await replica.ingest([1, 2, 3].map((n) => leg(`sse-${replica.gateway.port}-${n}`)).join('\n'));
      for (const [at, stream] of streams.entries()) {
        await until('the events', () => stream.events.length >= 3);
        assertClean([stream.body], `Server-Sent Events ${queries[at]}`);
        assert.equal(pseudonymsIn([stream.body]).size, 1);
      }
      const headers = { Accept: 'text/event-stream', 'Last-Event-ID': resumeFrom };
      const resumed = await openEvents(replica, `?token=${token}`, headers);
      await resumed.received(3);
      assertClean([resumed.body], 'Server-Sent Events, resumed');
      for (const stream of [...streams, resumed]) stream[Symbol.dispose]();
    }
  });

  test(
    'a durable group, again after it was not acknowledged, and as a dead letter that comes back',
    LIMIT,
    async () => {
      const [first, second] = replicas;
      const token = await tokenOf(first, 'vendor');
      const member = async (replica: RunningGateway) => replica.connect(`?token=${token}&group=default&v=1`);
      const one = await member(first);
      await until('its place', async () => (await untilFrame(one, 'hello')) !== null);
      await first.ingest([1, 2, 3].map((n) => leg(`group-${n}`)).join('\n'));
      await until('events of the group', () => eventsOf(one).length >= 3);
      assertClean(one.messages, 'group');
      one.close();
      const other = await member(second);
      await until('the same events', () => eventsOf(other).length >= 3);
      const ids = eventsOf(other).map((text) => (JSON.parse(text) as { _firehose: { id: string } })._firehose.id);
      for (const id of ids) other.send(JSON.stringify({ term: id, reason: 'a test' }));
      const letters = await until(
        'the dead letters',
        async () => (await second.administer('/dead-letters/default')).body['dead_letters'] as { id: string }[],
        { holds: (found) => found.length >= 3 },
      );
      other.messages.length = 0;
      for (const { id } of letters) await second.administer(`/dead-letters/default/${id}/redrive`, {});
      await until('the dead letters as a consumer sees them', () => eventsOf(other).length >= 3);
      assertClean(other.messages, 'group, again');
      assert.equal(pseudonymsIn([...one.messages, ...other.messages]).size, 1);
      other.close();
    },
  );

  test('snapshots of live calls, on the stream and by HTTP in both forms', LIMIT, async () => {
    const [first] = replicas;
    const token = await tokenOf(first, 'vendor');
    await first.ingest(leg('call-1'));
    for (const replica of replicas) {
      const calls = await until('the call', async () => {
        const answer = await getCalls(replica, token);
        return answer.includes('call-1') ? answer : null;
      });
      const lined = await getCalls(replica, token, 'application/x-ndjson');
      assertClean([calls, lined], 'calls');
      const board = await replica.connect(`?token=${token}&v=1&snapshot=calls`);
      await untilFrame(board, 'snapshot_end');
      assertClean(board.messages, 'snapshot');
      assert.ok(board.messages.some((text) => text.includes('"type":"call"') && text.includes('"caller_number":"p_')));
      board.close();
    }
  });

  test('V5: logs and metrics hold no canary, and no key', LIMIT, async () => {
    assertClean(lines, 'log');
    for (const { gateway } of replicas)
      assertClean([await (await fetch(`http://127.0.0.1:${gateway.innerPort}/metrics`)).text()], 'metrics');
  });
});

describe('V1: each client sees as its own profile says, beside others too', () => {
  let redis: RedisServer;
  let replicas: Replicas;
  before(async () => {
    redis = await startRedis();
    replicas = await openTwo(redis);
  });
  after(() => close(replicas, redis));

  test(
    'a user without a profile gets the bytes of the log, beside one of the same account that has one',
    LIMIT,
    async () => {
      const [first] = replicas;
      const [partner, vendor, south] = await Promise.all(
        ['partner', 'vendor', 'south'].map((name) => tokenOf(first, name)),
      );
      const sent = [1, 2, 3, 4].map((n) => leg(`beside-${n}`));
      const theirs = [1, 2].map((n) => leg(`south-${n}`, { account: 'account_id_2' }));
      const clients = await Promise.all(
        replicas.flatMap((replica) =>
          [partner, vendor, south, partner, vendor].map(async (token) => replica.connect(`?token=${token}`)),
        ),
      );
      await first.ingest(
        sent.flatMap((text, at) => [text, ...(theirs[at] === undefined ? [] : [theirs[at]])]).join('\n'),
      );
      for (const [at, client] of clients.entries()) {
        const kind = (['partner', 'vendor', 'south', 'partner', 'vendor'] as const)[at % 5];
        await until('the events', () => client.messages.length === (kind === 'south' ? theirs : sent).length);
        const got = client.messages.toSorted();
        if (kind === 'partner') assert.deepEqual(got, sent);
        else if (kind === 'vendor') assertClean(got, 'vendor');
        else
          assert.deepEqual(
            got,
            theirs.map((text) => text.replaceAll('+4930777', '****0777')),
          );
        client.close();
      }
    },
  );

  test('a login may ask for a stricter profile alone, which its token takes to every replica', LIMIT, async () => {
    const [first, second] = replicas;
    const asked = await logIn(first, 'partner', { privacy: 'strict' });
    assert.equal((asked.body['privacy'] as { profile: string }).profile, 'strict');
    const client = await second.connect(`?token=${String(asked.body['access_token'])}`);
    await first.ingest(leg('asked-1'));
    await until('the event', () => client.messages.length === 1);
    assertClean(client.messages, 'asked');
    client.close();
    const { status, body } = await logIn(first, 'vendor', { privacy: 'masked' });
    assert.deepEqual([status, body['code'], body['may_ask']], [403, 'privacy_wider', ['strict']]);
    assert.ok(!('privacy' in (await logIn(first, 'partner')).body));
  });

  test('a new token for an open connection never shows more than the one before', LIMIT, async () => {
    const [first] = replicas;
    const client = await first.connect(`?token=${await tokenOf(first, 'partner', { privacy: 'strict' })}&v=1`);
    await untilFrame(client, 'hello');
    client.send(JSON.stringify({ auth: await tokenOf(first, 'partner') }));
    await untilFrame(client, 'auth_ok');
    await first.ingest(leg('renewed-1'));
    await until('the event', () => eventsOf(client).length === 1);
    assertClean(client.messages, 'renewed');
    client.close();
    const wide = await first.connect(`?token=${await tokenOf(first, 'partner')}&v=1`);
    await untilFrame(wide, 'hello');
    wide.send(JSON.stringify({ auth: await tokenOf(first, 'partner', { privacy: 'strict' }) }));
    assert.equal((await untilFrame(wide, 'filter')).privacy, 'strict');
    await first.ingest(leg('renewed-2'));
    await until('the event', () => eventsOf(wide).length === 1);
    assertClean(eventsOf(wide), 'narrowed');
    wide.close();
  });

  test(
    'a stricter profile in the directory is in force for open connections, live, in groups and for snapshots',
    LIMIT,
    async () => {
      const [first] = replicas;
      const token = await tokenOf(first, 'partner');
      const open = await Promise.all(replicas.map((replica) => replica.connect(`?token=${token}&v=1`)));
      const plain = await Promise.all(replicas.map((replica) => replica.connect(`?token=${token}`)));
      const member = await first.connect(`?token=${token}&group=default&v=1`);
      for (const client of [...open, member]) assert.equal((await untilFrame(client, 'hello')).privacy, null);
      const stricter = await directoryWith({ ...PROFILES, partner: 'strict' });
      for (const { directoryFile } of replicas) await writeFile(directoryFile, stricter);
      for (const client of [...open, member]) assert.equal((await untilFrame(client, 'filter')).privacy, 'strict');
      for (const client of [...open, ...plain, member]) client.messages.length = 0;
      await first.ingest(leg('stricter-1'));
      for (const client of [...open, ...plain, member]) {
        await until('the event', () => eventsOf(client).some((text) => text.includes('stricter-1')));
        assertClean(client.messages, 'stricter');
      }
      for (const client of open) {
        client.send('{"snapshot":"calls"}');
        await untilFrame(client, 'snapshot_end');
        assertClean(client.messages, 'snapshot');
      }
      for (const replica of replicas) assertClean([await getCalls(replica, token)], 'calls');
      for (const client of [...open, ...plain, member]) client.close();
    },
  );
});

describe('the profiles of a resource change without a restart', () => {
  let redis: RedisServer;
  let replicas: Replicas;
  before(async () => {
    redis = await startRedis();
    replicas = await openTwo(redis, { calls: { enabled: false } });
  });
  after(() => close(replicas, redis));

  const change = async (privacy: object) => {
    for (const { directoryFile } of replicas) {
      const file = join(dirname(directoryFile), 'subscription.yaml');
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replace(/^ {2}privacy: .*$/m, `  privacy: ${JSON.stringify(privacy)}`));
    }
  };

  test(
    'a new default is in force for open connections, and so is another content of the same profile',
    LIMIT,
    async () => {
      const [first] = replicas;
      const token = await tokenOf(first, 'partner');
      const clients = await Promise.all(replicas.map((replica) => replica.connect(`?token=${token}&v=1`)));
      for (const client of clients) await untilFrame(client, 'hello');
      const changes = (client: Client) => frames(client).filter(({ type }) => type === 'filter').length;
      await change({ ...PRIVACY, default: 'masked' });
      for (const client of clients) await until('the frame', () => changes(client) === 1);
      await first.ingest(leg('changed-1'));
      for (const client of clients) await until('the event', () => eventsOf(client).length === 1);
      assert.ok(clients.every((client) => eventsOf(client)[0]?.includes('"Caller-ID-Number":"****0777"')));
      await change({ profiles: [{ name: 'strict' }, { ...MASKED, numbers: 'Drop' }], default: 'masked' });
      for (const client of clients) await until('the frame', () => changes(client) === 2);
      await first.ingest(leg('changed-2'));
      for (const client of clients) await until('the event', () => eventsOf(client).length === 2);
      assert.ok(clients.every((client) => !eventsOf(client)[1]?.includes('Caller-ID-Number')));
      await change(PRIVACY);
      for (const client of clients) await until('the frame', () => changes(client) === 3);
      for (const client of clients) client.close();
    },
  );

  test('V1: when a profile is gone, connections that have it end, and nothing is shown by mistake', LIMIT, async () => {
    const [first] = replicas;
    const token = await tokenOf(first, 'vendor');
    const clients = await Promise.all(replicas.map((replica) => replica.connect(`?token=${token}`)));
    await change({ profiles: [MASKED] });
    for (const client of clients) assert.equal((await client.closed).code, 4503);
    for (const replica of replicas) {
      await assert.rejects(
        replica.connect(`?token=${token}`),
        (error) => error instanceof Refused && error.status === 401,
      );
      assert.equal((await logIn(replica, 'vendor')).body['code'], 'privacy_missing');
    }
    await change(PRIVACY);
    await until('the profile', async () => (await logIn(first, 'vendor')).status === 200);
  });
});

describe('V5: a key of pseudonyms that rotates', () => {
  const secret = (letter: string) => Buffer.from(letter.repeat(32)).toString('base64');
  const FIRST = { id: '1', key: secret('a') };

  test('replicas agree on each event, live and replayed, while the key changes without a restart', LIMIT, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pseudonyms-'));
    const file = join(folder, 'pseudonym-keys.json');
    await writeFile(file, JSON.stringify([FIRST]));
    const redis = await startRedis();
    const { lines, logger } = recordedLogger('debug');
    const environment = { FIREHOSE_PSEUDONYM_KEYS_FILE: file };
    const replicas = await openTwo(redis, { environment, logger });
    try {
      const [first] = replicas;
      const token = await tokenOf(first, 'vendor');
      const clients = await Promise.all(replicas.map((replica) => replica.connect(`?token=${token}&meta=1`)));
      // All replicas must have a key before its start time.
      const from = new Date(Date.now() + 8_000);
      await writeFile(file, JSON.stringify([FIRST, { id: '2', key: secret('b'), from: from.toISOString() }]));
      await until('both replicas', () => lines.filter((line) => line.includes('"ids":["1","2"]')).length === 2);
      assert.ok(Date.now() < from.getTime(), 'both replicas had the key in time');
      let sent = 0;
      const [live, other] = clients as [Client, Client];
      await until('a pseudonym of the second key', async () => {
        sent += 1;
        await first.ingest(leg(`rotated-${sent}`));
        await until('the event', () => live.messages.length === sent && other.messages.length === sent);
        return live.messages.at(-1)?.includes('p2_');
      });
      assert.equal(pseudonymsIn(live.messages).size, 2);
      const shown = (client: Client) =>
        new Map(
          client.messages.map((text) => {
            const { _firehose: meta, ...event } = JSON.parse(text) as { _firehose: { id: string } };
            return [meta.id, JSON.stringify(event)];
          }),
        );
      const expected = shown(live);
      assert.deepEqual(shown(other), expected);
      for (const replica of replicas) {
        const replay = await replica.connect(`?token=${token}&meta=1&from=-1h&to=-0s`);
        await replay.closed;
        assert.deepEqual(shown(replay), expected);
      }
      const metrics = await (await fetch(`http://127.0.0.1:${first.gateway.innerPort}/metrics`)).text();
      for (const text of [...lines, ...live.messages, metrics])
        for (const key of [secret('a'), secret('b')]) assert.ok(!text.includes(key.slice(0, 12)), text);
      for (const client of clients) client.close();
    } finally {
      await close(replicas, redis);
      await rm(folder, { recursive: true });
    }
  });
});
