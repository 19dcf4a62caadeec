import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { startGateway } from '../testing/running-gateway.ts';
import { startTlsServer, type TlsServer } from '../testing/tls-server.ts';

const LIMIT = { timeout: 60_000 };
const ROOT = '91eb05e5c68d7ca05e7618b6821d2d16';
const EVA = { username: 'Eva', password: 'Sesame', domain: 'admin' };

/** `PUT /v2/user_auth` as crossbar answers it. */
interface UserAuth {
  readonly credentials: string;
  readonly method: string;
  readonly account_realm: string;
}

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

function crossbar(kazoo: TlsServer, answer: (data: UserAuth, response: ServerResponse) => void) {
  const asked: UserAuth[] = [];
  kazoo.answer((request: IncomingMessage, response) => {
    assert.deepEqual([request.method, request.url], ['PUT', '/v2/user_auth']);
    void json(request).then((body) => {
      const { data } = body as { data: UserAuth };
      asked.push(data);
      return answer(data, response);
    });
  });
  return asked;
}

const say = (response: ServerResponse, status: number, body: object) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const denied = {
  data: { message: 'invalid credentials' },
  error: '401',
  message: 'invalid_credentials',
  status: 'error',
};

function start(kazoo: TlsServer) {
  return startGateway({
    auth: { login: ['Kazoo'], kazoo: { url: kazoo.url } },
    environment: { FIREHOSE_KAZOO_CA_FILE: kazoo.caFile },
  });
}

test(
  'a user of Kazoo logs in with the password of Kazoo, in the account that the directory has for the domain',
  LIMIT,
  async () => {
    await using kazoo = await startTlsServer();
    const asked = crossbar(kazoo, ({ credentials }, response) => {
      if (credentials !== md5('eva:Sesame')) return say(response, 401, denied);
      say(response, 201, { auth_token: 't', data: { account_id: ROOT, owner_id: 'o' }, status: 'success' });
    });
    await using running = await start(kazoo);
    const { status, body } = await running.login(EVA);
    assert.deepEqual([status, body['account_id']], [200, ROOT]);
    const [realm] = asked.map(({ account_realm, method }) => (method === 'md5' ? account_realm : ''));
    assert.match(realm ?? '', /\.sip\.example\.com$/);
    (await running.connect(`?token=${String(body['access_token'])}`)).close();
    assert.equal((await running.login({ ...EVA, password: 'wrong' })).status, 401);
    assert.equal((await running.login({ ...EVA, password: 'wrong', domain: 'nowhere' })).status, 401);
    assert.equal(asked.length, 2);
  },
);

test('a user of another account, and one that needs a second factor, are denied; an outage is 503', LIMIT, async () => {
  await using kazoo = await startTlsServer();
  await using running = await start(kazoo);
  crossbar(kazoo, (_, response) => say(response, 201, { data: { account_id: 'another' } }));
  const code = async () => {
    const { status, body } = await running.login(EVA);
    return `${status} ${String(body['code'])}`;
  };
  assert.equal(await code(), '401 wrong_credentials');
  const factor = { provider_name: 'duo', settings: {} };
  crossbar(kazoo, (_, response) => say(response, 401, { ...denied, data: { multi_factor_request: factor } }));
  assert.equal(await code(), '401 multi_factor_required');
  for (const status of [429, 500, 503]) {
    crossbar(kazoo, (_, response) => say(response, status, {}));
    assert.equal(await code(), '503 login_unavailable');
  }
  await kazoo.close();
  assert.equal(await code(), '503 login_unavailable');
});

test('a domain that does not exist is refused no faster than one that does', LIMIT, async () => {
  await using kazoo = await startTlsServer();
  crossbar(kazoo, (_, response) => void setTimeout(say, 120, response, 401, denied));
  await using running = await start(kazoo);
  const timed = async (domain: string, at: number) => {
    const began = performance.now();
    assert.equal((await running.login({ ...EVA, username: `user${domain}${at}`, domain })).status, 401);
    return performance.now() - began;
  };
  const median = async (domain: string) => {
    const times = [];
    for (let at = 0; at < 5; at += 1) times.push(await timed(domain, at));
    return times.toSorted((a, b) => a - b)[2] ?? 0;
  };
  const there = await median('admin');
  const nowhere = await median('nowhere');
  assert.ok(nowhere > 100 && nowhere < there * 3, `${nowhere} ms, and ${there} ms where it exists`);
});
