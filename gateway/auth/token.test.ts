import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { base64url, decodeJwt, decodeProtectedHeader, SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose';
import { parseDirectory } from '../directory/parse-directory.ts';
import { GrantStoreUnavailable, memoryGrantStore, type GrantStore } from './grant-store.ts';
import { keyRing, newKey, type KeyRing, type SigningAlgorithm } from './signing-keys.ts';
import { createTokens } from './token.ts';

const NOW = Date.UTC(2026, 0, 1);
const TTL = 3_600_000;
const parsed = parseDirectory('{"accounts":[{"id":"acc","name":"Acme: one","realm":"acme.example.com"}]}');
assert.ok(parsed.ok);
const account = parsed.directory.accounts.get('acc');
assert.ok(account);
const owner = account;

const ringOf = async (...algorithms: SigningAlgorithm[]) => keyRing(await Promise.all(algorithms.map(newKey)));

function tokensWith(keys: KeyRing, grants: GrantStore = memoryGrantStore(() => NOW)) {
  return createTokens({ keys, grants, resource: 'a/b', issuer: 'a/b', audience: 'a/b', ttlMs: TTL });
}

const small = { account: 'acc', accounts: ['a', 'b'], events: null };
const large = { account: 'acc', accounts: Array.from({ length: 200 }, (_, index) => `account_${index}`), events: null };
const issueOf = (tokens: ReturnType<typeof tokensWith>, grant: typeof small | typeof large = small) =>
  tokens.issue({ grant, account: owner, username: 'Admin', mark: 7, now: NOW });

for (const algorithm of ['HS256', 'EdDSA', 'ES256'] as const) {
  test(`a token signed with ${algorithm} gives back its grant, and ends 25 s after exp`, async () => {
    const tokens = tokensWith(await ringOf(algorithm));
    const token = await issueOf(tokens);
    const outcome = await tokens.verify(token, NOW);
    assert.ok(outcome.kind === 'valid');
    assert.deepEqual(outcome.token.grant, small);
    assert.equal(outcome.token.username, 'admin');
    assert.equal(outcome.token.mark, 7);
    assert.equal(outcome.token.sessionEndsAt, NOW + TTL + 25_000);
    assert.equal((await tokens.verify(token, NOW + TTL + 24_000)).kind, 'valid');
    assert.deepEqual(await tokens.verify(token, NOW + TTL + 26_000), { kind: 'invalid', reason: 'expired' });
  });
}

test('the claims and the header are the documented ones', async () => {
  const keys = await ringOf('HS256');
  const token = await issueOf(tokensWith(keys));
  assert.deepEqual(decodeProtectedHeader(token), { alg: 'HS256', kid: keys.kid, typ: 'JWT' });
  const { jti, ...claims } = decodeJwt(token);
  assert.ok(jti);
  assert.deepEqual(claims, {
    identity: 'acc:Acme: one',
    type: 'access',
    res: 'a/b',
    rev: 7,
    accounts: ['a', 'b'],
    events: null,
    sub: 'admin',
    iss: 'a/b',
    aud: 'a/b',
    iat: NOW / 1000,
    exp: (NOW + TTL) / 1000,
  });
});

test('a key before the signing one still verifies, a key that is gone does not', async () => {
  const old = await newKey('HS256');
  const token = await issueOf(tokensWith(await keyRing([old])));
  const next = await newKey('ES256');
  assert.equal((await tokensWith(await keyRing([next, old])).verify(token, NOW)).kind, 'valid');
  assert.equal((await tokensWith(await keyRing([next])).verify(token, NOW)).kind, 'invalid');
});

test('a large grant is kept in the store, and only its hash in the token', async () => {
  const tokens = tokensWith(await ringOf('HS256'));
  const token = await issueOf(tokens, large);
  assert.ok(token.length < 1_000);
  const outcome = await tokens.verify(token, NOW);
  assert.ok(outcome.kind === 'valid');
  assert.deepEqual(outcome.token.grant, large);
});

test('a grant that was widened in the store is refused, one that is gone is 401, a store away is 503', async () => {
  const kept = new Map<string, string>();
  let away = false;
  const store: GrantStore = {
    put: async ({ digest, grant }) => void kept.set(digest, grant),
    async get(digest) {
      if (away) throw new GrantStoreUnavailable('ECONNREFUSED');
      return kept.get(digest) ?? null;
    },
  };
  const tokens = tokensWith(await ringOf('HS256'), store);
  const token = await issueOf(tokens, large);
  const [id = ''] = kept.keys();
  kept.set(id, JSON.stringify({ account: 'acc', accounts: null, events: null }));
  assert.deepEqual(await tokens.verify(token, NOW), { kind: 'invalid', reason: 'grant_missing' });
  kept.clear();
  assert.deepEqual(await tokens.verify(token, NOW), { kind: 'invalid', reason: 'grant_missing' });
  away = true;
  assert.deepEqual(await tokens.verify(token, NOW), { kind: 'unavailable', code: 'ECONNREFUSED' });
});

test('alg none, a public key used as a secret, and foreign headers are refused', async () => {
  const keys = await ringOf('EdDSA', 'HS256');
  const tokens = tokensWith(keys);
  const claims = decodeJwt(await issueOf(tokens));
  assert.equal(await tried(tokens, keys, { claims }), 'valid');

  const part = (value: unknown) => base64url.encode(JSON.stringify(value));
  for (const alg of ['none', 'None', 'NONE', '']) {
    assert.equal(
      (await tokens.verify(`${part({ alg, kid: keys.kid, typ: 'JWT' })}.${part(claims)}.`, NOW)).kind,
      'invalid',
    );
  }
  const secret = Buffer.from(keys.jwks.keys[0]?.x ?? '', 'base64url');
  const confused = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: keys.kid, typ: 'JWT' })
    .sign(secret);
  assert.equal((await tokens.verify(confused, NOW)).kind, 'invalid');

  for (const header of [
    { kid: undefined },
    { kid: '' },
    { kid: '../../../dev/null' },
    { kid: '__proto__' },
    { kid: [...keys.verifyKeys.keys()][1] },
    { typ: 'at+jwt' },
    { typ: undefined },
    { jku: 'https://example.com/jwks' },
    { x5u: 'https://example.com/x' },
    { jwk: keys.jwks.keys[0] },
  ]) {
    assert.equal(await tried(tokens, keys, { claims, header: header as Partial<JWTHeaderParameters> }), 'invalid');
  }
  for (const change of [
    { type: 'refresh' },
    { iss: 'x' },
    { aud: 'x' },
    { exp: undefined },
    { jti: '../x' },
    { accounts: 5 },
    { res: 'a/c' },
    { res: undefined },
    // Longer than any resource may configure, whatever the holder of the key wrote.
    { exp: NOW / 1000 + 168 * 3_600 + 1 },
    { exp: NOW / 1000 + 10 * 365 * 24 * 3_600 },
    { iat: NOW / 1000 - 168 * 3_600 - 60 },
    { iat: NOW / 1000 + 3_600, exp: NOW / 1000 + 7_200 },
  ]) {
    assert.equal(await tried(tokens, keys, { claims: { ...claims, ...change } as JWTPayload }), 'invalid');
  }
});

async function tried(
  tokens: ReturnType<typeof tokensWith>,
  keys: KeyRing,
  { claims, header = {} }: { claims: JWTPayload; header?: Partial<JWTHeaderParameters> },
) {
  const full = { alg: keys.algorithm, kid: keys.kid, typ: 'JWT', ...header };
  const token = await new SignJWT(claims).setProtectedHeader(full).sign(keys.signKey);
  return (await tokens.verify(token, NOW)).kind;
}

test('a critical header is refused', async () => {
  const keys = await ringOf('HS256');
  const tokens = tokensWith(keys);
  const token = await new SignJWT(decodeJwt(await issueOf(tokens)))
    .setProtectedHeader({ alg: 'HS256', kid: keys.kid, typ: 'JWT', crit: ['b64'], b64: true })
    .sign(keys.signKey);
  assert.equal((await tokens.verify(token, NOW)).kind, 'invalid');
});

test('an oversized token is refused before anything is parsed', async () => {
  const tokens = tokensWith(await ringOf('HS256'));
  assert.deepEqual(await tokens.verify('a.'.repeat(5_000), NOW), { kind: 'invalid', reason: 'malformed' });
});

test('10,000 generated tokens are refused and none throws', async () => {
  const tokens = tokensWith(await ringOf('HS256'));
  const segment = fc.oneof(
    fc.string(),
    fc.json().map((text) => base64url.encode(text)),
    fc.constant(''),
  );
  const generated = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(segment, { maxLength: 5 }).map((all) => all.join('.')),
  );
  await fc.assert(
    fc.asyncProperty(generated, async (token) => {
      assert.equal((await tokens.verify(token, NOW)).kind, 'invalid');
    }),
    { numRuns: 10_000 },
  );
});

test('a token is taken in its one spelling: strict base64url without anything around it (RFC 7515)', async () => {
  for (const algorithm of ['HS256', 'EdDSA', 'ES256'] as const) {
    const tokens = tokensWith(await ringOf(algorithm));
    const token = await issueOf(tokens);
    const parts = token.split('.');
    const padded = parts.map((part) => part + '='.repeat((4 - (part.length % 4)) % 4));
    const around = ['=', '==', ' ', '\n', '\r\n', '\t', '\0', '%0A', '.', '\u00a0', '\ufeff'];
    const wrong = [
      ...around.flatMap((text) => [token + text, text + token, parts.join(`${text}.`), parts.join(`.${text}`)]),
      padded.join('.'),
      token.replaceAll('_', '/').replaceAll('-', '+') + '=',
      token.slice(0, 20) + '\n' + token.slice(20),
      ...'AQgwBCDE'.split('').map((last) => token.slice(0, -1) + last),
    ];
    for (const text of wrong) {
      if (text === token) continue;
      assert.equal((await tokens.verify(text, NOW)).kind, 'invalid', JSON.stringify(text.slice(-30)));
    }
    assert.equal((await tokens.verify(token, NOW)).kind, 'valid');
  }
});

test('keys that two resources share do not make the tokens of one valid at the other', async () => {
  const keys = await ringOf('HS256');
  const of = (resource: string) =>
    createTokens({
      keys,
      grants: memoryGrantStore(() => NOW),
      resource,
      issuer: 'same',
      audience: 'same',
      ttlMs: TTL,
    });
  const token = await issueOf(of('a/b'));
  assert.equal((await of('a/b').verify(token, NOW)).kind, 'valid');
  assert.equal((await of('a/c').verify(token, NOW)).kind, 'invalid');
});

test('a former token is recognised for 30 days after its end, and lets nobody in', async () => {
  const tokens = tokensWith(await ringOf('HS256'));
  const token = await issueOf(tokens);
  const day = 24 * 3_600_000;
  const owner = { account: 'acc', username: 'admin' };
  assert.deepEqual(await tokens.recognise(token, NOW + TTL + 29 * day), owner);
  assert.equal((await tokens.verify(token, NOW + TTL + 29 * day)).kind, 'invalid');
  assert.equal(await tokens.recognise(token, NOW + TTL + 31 * day), null);
  assert.equal(await tokens.recognise(`${token} `, NOW), null);
  assert.equal(await tokensWith(await ringOf('HS256')).recognise(token, NOW), null);
});

test('2,000 mutated valid tokens are refused and none throws', async () => {
  const tokens = tokensWith(await ringOf('HS256'));
  const token = await issueOf(tokens);
  await fc.assert(
    fc.asyncProperty(fc.nat(token.length - 1), fc.string({ maxLength: 3 }), fc.nat(2), async (at, insert, cut) => {
      const mutant = token.slice(0, at) + insert + token.slice(at + cut);
      fc.pre(mutant !== token);
      assert.equal((await tokens.verify(mutant, NOW)).kind, 'invalid');
    }),
    { numRuns: 2_000 },
  );
});
