import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { decodeJwt, importJWK, SignJWT, UnsecuredJWT } from 'jose';
import { Provider, type Configuration, type JWK } from 'oidc-provider';
import { until } from '../../testing/until.ts';
import { startGateway } from '../testing/running-gateway.ts';
import { startTlsServer, type TlsServer } from '../testing/tls-server.ts';

const LIMIT = { timeout: 60_000 };
const RESOURCE = 'https://firehose.example.com';

interface Claims {
  account_id?: unknown;
  ttl?: number;
}

/** A real OpenID provider with these keys, of which the first signs. */
function provide(server: TlsServer, keys: readonly JWK[], claims: Claims, audience = RESOURCE): void {
  const configuration: Configuration = {
    clients: [
      {
        client_id: 'crm',
        client_secret: 'secret',
        id_token_signed_response_alg: 'ES256',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [...keys] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: () => ({
          scope: '',
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: claims.ttl ?? 600,
          jwt: { sign: { alg: 'ES256', kid: keys[0]?.kid } },
        }),
      },
    },
    extraTokenClaims: () => ({ account_id: claims.account_id ?? 'account_id_1' }),
  };
  const provider = new Provider(server.url, configuration);
  server.answer(provider.callback());
}

function newSigningKey(): JWK & { kid: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...(privateKey.export({ format: 'jwk' }) as JWK), kid: randomUUID(), use: 'sig', alg: 'ES256' };
}

async function tokenOf(server: TlsServer): Promise<string> {
  const ca = await readFile(server.caFile);
  const answer = await new Promise<string>((resolve, reject) => {
    const headers = {
      authorization: `Basic ${Buffer.from('crm:secret').toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    };
    const call = request(`${server.url}/token`, { method: 'POST', ca, headers }, (response) => {
      text(response).then(resolve, reject);
    });
    call.once('error', reject).end(`grant_type=client_credentials&resource=${encodeURIComponent(RESOURCE)}`);
  });
  const { access_token: token } = JSON.parse(answer) as { access_token?: string };
  return token ?? assert.fail(answer);
}

function start(server: TlsServer) {
  return startGateway({
    auth: { login: ['OIDC', 'Directory'], oidc: { issuer: server.url, audience: RESOURCE } },
    environment: { FIREHOSE_OIDC_CA_FILE: server.caFile },
  });
}

test("a provider's token logs in, for no longer than it lives itself; passwords go on beside it", LIMIT, async () => {
  await using server = await startTlsServer();
  provide(server, [newSigningKey()], { ttl: 90 });
  await using running = await start(server);
  const { status, body } = await running.login({ access_token: await tokenOf(server), events: ['DTMF'] });
  assert.deepEqual(
    [status, body['account_id'], body['scope']],
    [200, 'account_id_1', { accounts: null, events: ['DTMF'] }],
  );
  const lives = Number(body['expires_in']);
  assert.ok(lives > 60 && lives <= 90, String(lives));
  const { exp = 0, iat = 0, sub } = decodeJwt(String(body['access_token']));
  assert.deepEqual([exp - iat, sub], [lives, 'crm']);
  (await running.connect(`?token=${String(body['access_token'])}`)).close();
  assert.equal((await running.login({ username: 'admin', password: 'adminpassword', domain: 'admin' })).status, 200);
});

test(
  'a token of another audience, account, issuer, key or algorithm, and one that has expired, are 401',
  LIMIT,
  async () => {
    await using server = await startTlsServer();
    await using other = await startTlsServer();
    const [key, foreign] = [newSigningKey(), newSigningKey()];
    provide(server, [key], {});
    provide(other, [foreign], {});
    await using running = await start(server);
    const refused = async (what: string, token: string) => {
      const { status, body } = await running.login({ access_token: token });
      assert.deepEqual([status, body['code']], [401, 'wrong_credentials'], what);
    };
    const good = await tokenOf(server);
    await refused('another issuer', await tokenOf(other));
    const { exp: _, ...claims } = decodeJwt(good);
    const secret = Buffer.alloc(32, 1);
    const header = { kid: key.kid, typ: 'at+jwt' };
    await refused('no algorithm', new UnsecuredJWT(claims).setExpirationTime('1h').encode());
    await refused(
      'a symmetric one',
      await new SignJWT(claims)
        .setProtectedHeader({ ...header, alg: 'HS256' })
        .setExpirationTime('1h')
        .sign(secret),
    );
    const sign = async (by: JWK, end: number, more: object = {}) =>
      new SignJWT({ ...claims, ...more })
        .setProtectedHeader({ ...header, alg: 'ES256' })
        .setExpirationTime(end)
        .sign(await importJWK(by as never, 'ES256'));
    const soon = Math.floor(Date.now() / 1_000) + 60;
    await refused('another key of the same id', await sign(foreign, soon));
    await refused('expired', await sign(key, soon - 120));
    await refused('an account that is not there', await sign(key, soon, { account_id: 'nowhere' }));
    await refused('an account that is no text', await sign(key, soon, { account_id: ['account_id_1'] }));
    await refused('no user', await sign(key, soon, { sub: '' }));
    await refused('nonsense', 'nonsense');
    provide(server, [key], {}, 'https://another.example.com');
    await refused('another audience', await tokenOf(server));
    assert.equal((await running.login({ access_token: good })).status, 200);
    const both = await running.login({ access_token: good, username: 'admin' });
    assert.deepEqual([both.status, both.body['code']], [400, 'two_credentials']);
  },
);

test('a key that the provider rotates in is found; tokens go on while the provider is away', LIMIT, async () => {
  await using server = await startTlsServer();
  const [first, second] = [newSigningKey(), newSigningKey()];
  provide(server, [first], {});
  await using running = await start(server);
  const old = await tokenOf(server);
  const { body } = await running.login({ access_token: old });
  provide(server, [second, first], {});
  const renewed = await tokenOf(server);
  await until('a login by the new key', async () => (await running.login({ access_token: renewed })).status === 200, {
    limitMs: 50_000,
  });
  assert.equal((await running.login({ access_token: old })).status, 200);
  await server.close();
  assert.equal((await running.login({ access_token: old })).status, 200);
  (await running.connect(`?token=${String(body['access_token'])}`)).close();
  await using late = await start(server);
  const { status, body: problem } = await late.login({ access_token: old });
  assert.deepEqual([status, problem['code']], [503, 'login_unavailable']);
});
