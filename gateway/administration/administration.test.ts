import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ADMINISTRATION_PATH, CONNECTIONS_PATH, REVOCATIONS_PATH } from '../../protocol/paths.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { MAX_BODY_BYTES } from './read-request.ts';

const ROOT = '91eb05e5c68d7ca05e7618b6821d2d16';
const OPERATOR = { username: 'operator', password: 'operatorpassword', domain: 'north' };

/** The administration endpoint from the view of a client without the token and of an administrator. */
describe('the administration endpoint', () => {
  let running: RunningGateway;
  before(async () => {
    running = await startGateway({});
  });
  after(() => running[Symbol.asyncDispose]());

  const url = (path: string) => `http://127.0.0.1:${running.gateway.innerPort}${path}`;

  test('tells nothing to a client that lacks its own token, not even which paths there are', async () => {
    const ingest = await running.ingest('');
    assert.equal(ingest.status, 400);
    for (const path of [REVOCATIONS_PATH, CONNECTIONS_PATH, `${ADMINISTRATION_PATH}/nothing`, ADMINISTRATION_PATH]) {
      for (const authorization of ['', 'Bearer', 'Bearer x', `Bearer ${await running.token()}`]) {
        for (const method of ['GET', 'POST', 'DELETE']) {
          const answer = await fetch(url(path), { method, headers: { authorization } });
          assert.deepEqual([answer.status, answer.headers.get('content-type')], [401, 'application/problem+json']);
          assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer realm="firehose-admin"/);
        }
      }
    }
  });

  test('refuses a wrong token before the body has come', async () => {
    const socket = connect(running.gateway.innerPort, '127.0.0.1');
    socket.write(
      `POST ${REVOCATIONS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nAuthorization: Bearer no\r\n\r\n{`,
    );
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 401 /);
  });

  test('answers 404 and 405 to an administrator', async () => {
    assert.equal((await running.administer('/nothing')).status, 404);
    assert.equal((await running.administer('/connections', {})).status, 405);
  });

  test('takes exactly the documented requests and gives nothing of a wrong one back', async () => {
    const wrong: unknown[] = [
      {},
      [],
      null,
      'canary',
      { jti: '' },
      { jti: 'canary/..' },
      { jti: 'canary', account: ROOT },
      { token: '' },
      { token: 'canary'.repeat(2_000) },
      { canary: 'canary' },
      { account: 'can ary' },
      { user: { username: 'canary' } },
      { user: { username: 'canary', domain: 'admin', account: ROOT } },
      { user: { username: 'canary', domain: '' } },
      { user: 'canary', jti: 'canary' },
    ];
    for (const request of wrong) {
      const answer = await running.administer('/revocations', request);
      assert.deepEqual([answer.status, answer.body['code']], [400, 'invalid_request'], JSON.stringify(request));
      assert.doesNotMatch(JSON.stringify(answer.body), /canary/);
    }
    const { revocations } = (await running.administer('/revocations')).body as { revocations: unknown[] };
    assert.deepEqual(revocations, []);
  });

  test('a body that is too large, encoded or no JSON is 413, 415 and 400', async () => {
    const { stateFolder } = running;
    const authorization = `Bearer ${(await readFile(`${stateFolder}/admin-token`, 'utf8')).trim()}`;
    const post = async (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) => {
      const answer = await fetch(url(REVOCATIONS_PATH), {
        method: 'POST',
        body,
        headers: { authorization, ...headers },
      });
      return [answer.status, ((await answer.json()) as { code: string }).code];
    };
    assert.deepEqual(await post(' '.repeat(MAX_BODY_BYTES + 1)), [413, 'body_too_large']);
    assert.deepEqual(await post('{"jti":"a"}', { 'content-encoding': 'gzip' }), [415, 'unsupported_encoding']);
    for (const body of ['', '{', '{"jti":"a"} x', new Uint8Array([0x22, 0xff, 0x22])]) {
      assert.deepEqual(await post(body), [400, 'not_json']);
    }
  });

  test('revoking nobody is said, not done', async () => {
    const nobody: [object, number, string, string][] = [
      [{ account: 'nowhere' }, 404, 'not_in_directory', 'account'],
      [{ user: { domain: 'nowhere', username: 'admin' } }, 404, 'not_in_directory', 'user.domain'],
      [{ user: { account: 'nowhere', username: 'admin' } }, 404, 'not_in_directory', 'user.account'],
      [{ user: { domain: 'north', username: 'admin' } }, 404, 'not_in_directory', 'user.username'],
      [{ user: { domain: '__proto__', username: 'constructor' } }, 404, 'not_in_directory', 'user.domain'],
      [{ token: 'canary' }, 400, 'token_not_valid', 'token'],
    ];
    for (const [request, status, code, field] of nobody) {
      const { body, ...answer } = await running.administer('/revocations', request);
      assert.deepEqual([answer.status, body['code'], body['field']], [status, code, field]);
    }
  });

  test('lists live connections by pages, without their tokens', async () => {
    const [token, other] = [await running.token(), String((await running.login(OPERATOR)).body['access_token'])];
    const before = Date.now();
    const clients = [];
    for (const which of [token, other, token]) clients.push(await running.connect(`?token=${which}`));
    const listed: Record<string, unknown>[] = [];
    let after: string | null = '0';
    for (let pages = 1; after !== null; pages += 1) {
      const { body }: { body: Record<string, unknown> } = await running.administer(
        `/connections?limit=2&after=${after}`,
      );
      assert.ok(!JSON.stringify(body).includes(token.split('.')[2] ?? token));
      listed.push(...(body['connections'] as Record<string, unknown>[]));
      after = body['next'] as string | null;
      assert.ok(pages < 3);
    }
    assert.equal(new Set(listed.map(({ session }) => session)).size, 3);
    for (const [at, { session, since, ...rest }] of listed.entries()) {
      assert.match(String(session), /^[0-9a-f-]{36}$/);
      assert.ok(Date.parse(String(since)) >= before);
      const who = at === 1 ? { account: 'account_id_1', username: 'operator' } : { account: ROOT, username: 'admin' };
      assert.deepEqual(rest, { ...who, address: '127.0.0.1', contract: 'plain', behind: false });
    }
    for (const client of clients) client.close();
  });

  test('a query that is not understood is refused', async () => {
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'after=-1', 'after=1&after=2', 'limit[a]=1', 'page=2']) {
      for (const path of ['/connections', '/revocations']) {
        const answer = await running.administer(`${path}?${query}`);
        assert.deepEqual([answer.status, answer.body['code']], [400, 'invalid_query'], query);
      }
    }
  });
});
