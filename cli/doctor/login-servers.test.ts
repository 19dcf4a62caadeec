import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTlsServer, type TlsServer } from '../../gateway/testing/tls-server.ts';
import { diagnose } from './doctor.ts';
import { settings } from './testing.ts';

const LIMIT = { timeout: 60_000 };
const json =
  (status: number, body: object): RequestListener =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

/** The finding of the check of one server, as `status: seen`. */
async function look(server: TlsServer, name: 'check' | 'kazoo' | 'oidc', caFile = server.caFile): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-doctor-'));
  await writeFile(join(folder, 'token'), 'canary-token');
  const login = { check: 'Check', kazoo: 'Kazoo', oidc: 'OIDC' }[name];
  const auth = {
    login: [login],
    ...(name === 'check' && { directory: { http: { url: `${server.url}/firehose` } } }),
    ...(name === 'kazoo' && { kazoo: { url: server.url } }),
    ...(name === 'oidc' && { oidc: { issuer: server.url, audience: 'firehose' } }),
  };
  await using given = await settings(
    { auth },
    name === 'check'
      ? { FIREHOSE_DIRECTORY_CA_FILE: caFile, FIREHOSE_DIRECTORY_TOKEN_FILE: join(folder, 'token') }
      : { [`FIREHOSE_${name.toUpperCase()}_CA_FILE`]: caFile },
  );
  const findings = await diagnose(given.environment);
  await rm(folder, { recursive: true });
  assert.doesNotMatch(JSON.stringify(findings), /canary/);
  const found = findings.filter(({ check }) => check === `login.${name}`);
  assert.equal(found.length, 1, JSON.stringify(findings));
  return found.map(({ status, seen }) => `${status}: ${seen}`).join();
}

test('a server of Check is asked for a user that does not exist', LIMIT, async () => {
  await using server = await startTlsServer();
  const look1 = async (listener: RequestListener) => {
    server.answer(listener);
    return look(server, 'check');
  };
  assert.equal(await look1(json(200, { result: 'deny' })), 'ok: answers deny for a user that is not there');
  assert.match(await look1(json(200, { result: 'allow', account: 'a', username: 'b' })), /^fail: lets in a user/);
  assert.match(await look1(json(401, {})), /^fail: does not know the token/);
  assert.match(await look1(json(500, {})), /^fail: answers 500/);
  assert.match(await look1(json(200, { result: 'maybe' })), /^fail: cannot be asked \(ANSWER_NOT_UNDERSTOOD\)/);
});

test('Kazoo is asked for a user that does not exist; a certificate of another authority is told', LIMIT, async () => {
  await using server = await startTlsServer();
  await using other = await startTlsServer();
  server.answer(json(401, {}));
  assert.equal(await look(server, 'kazoo'), 'ok: answers 401 for a user that is not there');
  server.answer(json(201, { data: {} }));
  assert.match(await look(server, 'kazoo'), /^fail: lets in a user/);
  server.answer(json(404, {}));
  assert.match(await look(server, 'kazoo'), /^fail: answers 404/);
  assert.match(await look(server, 'kazoo', other.caFile), /^fail: cannot be asked \(.*(CERT|UNABLE|SIGNATURE).*\)/);
  await server.close();
  assert.match(await look(server, 'kazoo'), /^fail: cannot be asked \(ECONNREFUSED\)/);
});

test('an OpenID provider is asked for its keys', LIMIT, async () => {
  await using server = await startTlsServer();
  const serve = (issuer: string, keys: readonly object[]) =>
    server.answer((request, response) => {
      const isKeys = request.url === '/keys';
      return json(200, isKeys ? { keys } : { issuer, jwks_uri: `${server.url}/keys` })(request, response);
    });
  serve(server.url, [
    { kty: 'EC', use: 'sig' },
    { kty: 'RSA', use: 'enc' },
  ]);
  assert.equal(await look(server, 'oidc'), 'ok: publishes 1 keys');
  serve(server.url, [{ kty: 'oct' }]);
  assert.match(await look(server, 'oidc'), /^fail: publishes no key that signs/);
  serve('https://another', []);
  assert.match(await look(server, 'oidc'), /^fail: names another issuer/);
});
