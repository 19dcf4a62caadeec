import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { after, before, beforeEach, test } from 'node:test';
import { LOGIN_PATH } from '../../protocol/paths.ts';
import { hashPassword } from '../auth/password.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { startDirectoryServer, type CheckQuestion, type DirectoryServer } from '../testing/directory-server.ts';
import { startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';

const ROOT = '91eb05e5c68d7ca05e7618b6821d2d16';
const LIMIT = { timeout: 120_000 };
const LOGINS = 1_000;
const AT_ONCE = 50;

let redis: RedisServer;
let server: DirectoryServer;
let running: RunningGateway;
let names = 0;
before(async () => {
  redis = await startRedis();
  const passwordHash = await hashPassword('local');
  users.push({ username: 'local', account: ROOT, passwordHash });
  users.push({ username: 'out', account: ROOT, passwordHash, enabled: false });
  server = await startDirectoryServer(document());
});
after(async () => {
  await running[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await redis.stop();
});
// Each test has a resource of its own, so that limits and caches of another test do not apply.
beforeEach(async () => {
  await running?.[Symbol.asyncDispose]();
  server.judge(byPassword);
  server.serve(document());
  running = await start();
});

const users: object[] = [];
function document(more: object = {}): string {
  const root = { id: ROOT, name: 'admin', realm: 'admin.sip.example.com' };
  const acme = { id: 'acme', name: 'Acme', realm: 'acme.example.com', parent: ROOT, ...more };
  const closed = { id: 'closed', name: 'Closed', realm: 'closed.example.com', parent: ROOT, enabled: false };
  return JSON.stringify({ accounts: [root, acme, closed], users });
}

function start(auth: object = { login: ['Directory', 'Check'] }): Promise<RunningGateway> {
  names += 1;
  return startGateway({ redisUrl: redis.url, name: `check${names}`, directoryServer: server, auth });
}

const json = (response: ServerResponse, answer: object) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
/** Accepts logins with the password `right`, and knows no user whose name begins with x. */
function byPassword({ username, password, account }: CheckQuestion, response: ServerResponse): void {
  if (username.startsWith('x')) return void json(response, { result: 'ignore' });
  if (password !== 'right') return void json(response, { result: 'deny' });
  json(response, { result: 'allow', account: account ?? 'acme', username });
}

const EVA = { username: 'eva', password: 'right', domain: 'acme' };
const statusOf = async (body: object) => (await running.login(body)).status;

test(
  'a user that the directory lacks is let in by its server, streams, and is revoked like any other',
  LIMIT,
  async () => {
    const { status, body } = await running.login({ ...EVA, username: 'EVA' });
    assert.deepEqual([status, body['account_id']], [200, 'acme']);
    assert.deepEqual(server.checked.at(-1), { ...EVA, account: 'acme' });
    const client = await running.connect(`?token=${String(body['access_token'])}`);
    await running.ingest(JSON.stringify({ 'Event-Name': 'DTMF', 'Call-ID': 'c', 'Account-ID': 'acme' }));
    await client.received(1);
    // A new directory that still lacks the user ends no session.
    server.serve(document({ name: 'Acme Limited' }));
    await running.refreshDirectory();
    await until('the renamed account', async () => (await statusOf({ ...EVA, domain: 'acme limited' })) === 200);
    const user = { account: 'acme', username: 'eva' };
    assert.equal((await running.administer('/revocations', { user })).status, 200);
    assert.equal((await client.closed).code, 4503);
  },
);

test('the first method that knows the login decides', LIMIT, async () => {
  const before = server.checked.length;
  assert.equal(await statusOf({ username: 'local', password: 'local', domain: 'admin' }), 200);
  assert.equal(await statusOf({ username: 'local', password: 'right', domain: 'admin' }), 401);
  assert.equal(await statusOf({ username: 'out', password: 'right', domain: 'admin' }), 401);
  assert.equal(server.checked.length, before);
  assert.equal(await statusOf({ ...EVA, password: 'wrong' }), 401);
  assert.equal(await statusOf({ ...EVA, username: 'xenia' }), 401);
  assert.equal(await statusOf({ ...EVA, domain: 'closed' }), 401);
  server.judge((_, response) => void json(response, { result: 'allow', account: 'nowhere', username: 'eva' }));
  assert.equal(await statusOf({ ...EVA, password: 'other' }), 401);
});

const outages: readonly [string, (response: ServerResponse) => void][] = [
  ['fails', (response) => response.writeHead(500).end()],
  ['does not know the token', (response) => response.writeHead(401).end()],
  ['redirects', (response) => response.writeHead(307, { location: 'https://example.com' }).end()],
  ['speaks no JSON', (response) => response.writeHead(200).end('yes')],
  ['speaks another contract', (response) => json(response, { result: 'maybe' })],
  ['allows without an account', (response) => json(response, { result: 'allow' })],
  ['hangs up', (response) => response.destroy()],
];
test('an outage of the server is 503 and never 401, and is no failed try', LIMIT, async () => {
  for (const [what, answer] of outages) {
    server.judge((_, response) => answer(response));
    for (let tries = 0; tries < 3; tries += 1) {
      const { status, body } = await running.login(EVA);
      assert.deepEqual([status, body['code']], [503, 'login_unavailable'], what);
    }
  }
  server.judge(byPassword);
  assert.equal(await statusOf(EVA), 200);
});

test('limits come before the server: a guesser cannot use the gateway to hammer it', LIMIT, async () => {
  const answers = [];
  for (let tries = 0; tries < 15; tries += 1) answers.push(await statusOf({ ...EVA, password: `guess ${tries}` }));
  assert.deepEqual(answers, [...Array.from({ length: 10 }, () => 401), ...Array.from({ length: 5 }, () => 429)]);
  assert.equal(server.checked.filter(({ password }) => password.startsWith('guess')).length, 10);
});

test('a storm of reconnects asks once, until the account changes or anything is revoked', LIMIT, async () => {
  const asks = () => server.checked.length;
  const before = asks();
  assert.equal(await statusOf(EVA), 200);
  for (let at = 0; at < 20; at += 1) assert.equal(await statusOf(EVA), 200);
  assert.equal(asks(), before + 1);
  await running.administer('/revocations', { jti: 'anything' });
  assert.equal(await statusOf(EVA), 200);
  assert.equal(asks(), before + 2);
  server.serve(document({ enabled: false }));
  await running.refreshDirectory();
  await until('the account disabled', async () => (await statusOf(EVA)) === 401);
  assert.ok(asks() > before + 2);
});

test(
  '1,000 logins at a server that hangs: each is 503 with Retry-After within 4 s, and tokens stream on',
  LIMIT,
  async (t) => {
    const token = String((await running.login(EVA)).body['access_token']);
    const client = await running.connect(`?token=${token}`);
    const deliver = deliverer(client);
    const before = [];
    for (let at = 0; at < 100; at += 1) before.push(await deliver());
    const ca = await readFile(`${running.stateFolder}/ca.crt`, 'utf8');
    using opened = await openConnections(running.gateway.port, ca);
    const { send } = opened;
    // The same requests without a login: the speed of this machine, with its other load, while events flow.
    const plain = await besideEvents(deliver, () =>
      Promise.all(Array.from({ length: LOGINS }, (_, at) => send(at, 'GET', '/'))),
    );
    const hanging: ServerResponse[] = [];
    server.judge((_, response) => void hanging.push(response));
    const { answers, during } = await besideEvents(deliver, () => {
      const logins = Array.from({ length: LOGINS }, (_, at) => {
        return send(at, 'POST', LOGIN_PATH, JSON.stringify({ ...EVA, username: `user${at}` }));
      });
      return Promise.all(logins);
    });
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([503]));
    assert.ok(answers.every(({ retryAfter }) => Number(retryAfter) > 0));
    const slowest = slowestOf(answers);
    const control = slowestOf(plain.answers);
    t.diagnostic(
      `slowest login ${slowest.toFixed(0)} ms, GET ${control.toFixed(0)} ms; ` +
        `event p99 ${p99(before)} ms before, ${p99(plain.during)} ms beside GETs, ${p99(during)} ms beside logins`,
    );
    assert.ok(slowest < 4_000, `the slowest login took ${slowest} ms, the slowest GET ${control} ms`);
    assert.ok(during.length > 20, `${during.length} events were delivered meanwhile`);
    assert.ok(hanging.length <= 16, `the server was asked ${hanging.length} times`);
    const another = await running.connect(`?token=${token}`);
    another.close();
    client.close();
    for (const response of hanging) response.destroy();
    server.judge(byPassword);
    assert.equal(await statusOf(EVA), 200);
  },
);

/** Sends one event and returns the milliseconds from ingest to the client. */
function deliverer(client: Client): () => Promise<number> {
  let sent = 0;
  return async () => {
    sent += 1;
    const event = { 'Event-Name': 'DTMF', 'Call-ID': 'c', 'Account-ID': 'acme', n: sent };
    const began = performance.now();
    assert.equal((await running.ingest(JSON.stringify(event))).body['accepted'], 1);
    await client.received(sent);
    return performance.now() - began;
  };
}

/**
 * Delivers events, one after another, until the work is done; returns its results, and the milliseconds of each
 * delivery.
 */
async function besideEvents<T>(
  deliver: () => Promise<number>,
  work: () => Promise<T>,
): Promise<{ answers: T; during: number[] }> {
  const during: number[] = [];
  const progress = { isDone: false };
  const answers = work().finally(() => (progress.isDone = true));
  while (!progress.isDone) during.push(await deliver());
  return { answers: await answers, during };
}

const slowestOf = (answers: readonly { ms: number }[]) => Math.max(...answers.map(({ ms }) => ms));

const p99 = (times: readonly number[]) =>
  (times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0).toFixed(1);

interface Timed {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly ms: number;
}

/**
 * Connections that are kept alive: a handshake takes longer than many an answer. They are opened a few at a time: of a
 * thousand at once some would wait longer than a handshake may take.
 */
async function openConnections(port: number, ca: string) {
  const options = { keepAlive: true, maxSockets: AT_ONCE, maxFreeSockets: AT_ONCE, ca };
  const agents = Array.from({ length: LOGINS / AT_ONCE }, () => new Agent(options));
  const send = (at: number, method: string, path: string, body = '') => {
    const agent = agents[at % agents.length];
    return new Promise<Timed>((resolve, reject) => {
      const attempt = () => {
        let began = performance.now();
        const call = request({ port, host: '127.0.0.1', method, path, agent }, (response) => {
          const { statusCode: status = 0, headers } = response;
          response.resume().once('end', () => {
            resolve({ status, retryAfter: headers['retry-after'], ms: performance.now() - began });
          });
        });
        // The gateway may close one that was idle for long as it is used again. A new handshake does not count.
        call.once('socket', (socket) => socket.once('secureConnect', () => (began = performance.now())));
        call.once('error', (error) => (call.reusedSocket ? attempt() : reject(error))).end(body);
      };
      attempt();
    });
  };
  for (const first of agents.keys()) await Promise.all(Array.from({ length: AT_ONCE }, () => send(first, 'GET', '/')));
  return {
    send,
    [Symbol.dispose]() {
      for (const agent of agents) agent.destroy();
    },
  };
}
