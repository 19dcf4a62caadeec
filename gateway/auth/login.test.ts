import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLive } from '../../runtime/lifecycle/live.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import { parseDirectory } from '../directory/parse-directory.ts';
import { GrantStoreUnavailable, memoryGrantStore, type GrantStore } from './grant-store.ts';
import { createLogin, type LoginAnswer } from './login.ts';
import { createLoginLimits, type LoginLimits } from './login-limits.ts';
import { createPasswords, hashPassword } from './password.ts';
import { keyRing, newKey } from './signing-keys.ts';
import { createTokens } from './token.ts';

const NOW = Date.UTC(2026, 0, 1);
const passwordHash = await hashPassword('sesame');
const parsed = parseDirectory(
  JSON.stringify({
    accounts: [
      { id: 'root', name: 'admin', realm: 'admin.example.com' },
      { id: 'acme', name: 'Acme', realm: 'acme.example.com', parent: 'root' },
      { id: 'closed', name: 'Closed', realm: 'closed.example.com', parent: 'root', enabled: false },
      { id: 'below', name: 'Below', realm: 'below.example.com', parent: 'closed' },
      { id: 'other', name: 'Other', realm: 'other.example.com' },
      ...Array.from({ length: 200 }, (_, index) => ({
        id: `acme_${index}`,
        name: `Acme ${index}`,
        realm: `${index}.acme.example.com`,
        parent: 'acme',
      })),
    ],
    users: [
      { username: 'Eva', account: 'acme', passwordHash },
      { username: 'gone', account: 'acme', passwordHash, enabled: false },
      { username: 'eva', account: 'below', passwordHash },
      { username: 'eva', account: 'other', passwordHash },
    ],
  }),
);
assert.ok(parsed.ok);
const directory: LiveDirectory = { current: parsed.directory, onChange: () => () => undefined };

const good = { username: 'eva', password: 'sesame', domain: 'acme' };
const unlimited = (): LoginLimits => createLoginLimits({ redis: null, prefix: 'test:', resource: 'a/b' });

interface Parts {
  limits?: LoginLimits;
  grants?: GrantStore;
  queue?: number;
  concurrency?: number;
  mark?: () => number;
}

async function house(parts: Parts = {}) {
  const passwords = createPasswords({ queue: parts.queue ?? 64, concurrency: parts.concurrency ?? 2 });
  const tokens = createTokens({
    keys: await keyRing([await newKey('HS256')]),
    grants: parts.grants ?? memoryGrantStore(() => NOW),
    issuer: 'firehose',
    audience: 'firehose',
    ttlMs: 3_600_000,
  });
  const login = createLogin({
    directory,
    passwords,
    tokens,
    limits: parts.limits ?? unlimited(),
    scope: createLive({
      account: { id: 'root', includeDescendants: true },
      filters: { events: [], excludeEvents: [], accounts: [], additionalEvents: [] },
    }),
    revocationMark: async () => parts.mark?.() ?? 0,
    logger: silentLogger,
    now: () => NOW,
  });
  const ask = (body: unknown, address = '192.0.2.1') => login(Buffer.from(JSON.stringify(body)), { address });
  return { ask, passwords, tokens };
}

function refusal(answer: LoginAnswer) {
  assert.ok(answer.kind === 'refused');
  return answer.problem;
}

test('a login answers exactly the documented keys, with a token that verifies', async () => {
  const { ask, tokens } = await house();
  const answer = await ask({
    ...good,
    username: 'EVA',
    domain: 'ACME.example.com',
    accounts: ['acme'],
    events: ['DTMF'],
  });
  assert.ok(answer.kind === 'granted');
  const { access_token, ...rest } = answer.body;
  assert.deepEqual(rest, {
    token_type: 'Bearer',
    expires_in: 3600,
    account_id: 'acme',
    scope: { accounts: ['acme'], events: ['DTMF'] },
  });
  assert.equal((await tokens.verify(access_token, NOW)).kind, 'valid');
});

test('a token has the mark of before its password was judged: a revocation meanwhile stops it', async () => {
  let mark = 1;
  let asked = false;
  const limits: LoginLimits = {
    check: async () => null,
    async admit() {
      mark = asked ? 2 : 3;
      return { kind: 'admitted', settle: async () => undefined };
    },
  };
  const { ask, tokens } = await house({ limits, mark: () => ((asked = true), mark) });
  const answer = await ask(good);
  assert.ok(answer.kind === 'granted');
  const outcome = await tokens.verify(answer.body.access_token, NOW);
  assert.ok(outcome.kind === 'valid');
  assert.deepEqual([outcome.token.mark, mark], [1, 2]);
});

test('every wrong credential gets the same body for exactly one verification', async () => {
  const { ask, passwords } = await house();
  const wrong = [
    { ...good, password: 'wrong' },
    { ...good, username: 'nobody' },
    { ...good, domain: 'nowhere' },
    { ...good, username: '__proto__', domain: 'constructor' },
    { ...good, username: 'gone' },
    { ...good, domain: 'below' },
    { ...good, domain: 'other' },
  ];
  const bodies = new Set<string>();
  for (const [index, body] of wrong.entries()) {
    const answer = await ask(body, `192.0.2.${index}`);
    assert.equal(answer.outcome, 'bad_credentials');
    bodies.add(JSON.stringify(refusal(answer)));
    assert.equal(passwords.begun, index + 1);
  }
  assert.equal(bodies.size, 1);
});

test('the order is shape, limits, credentials, permission', async () => {
  const { ask, passwords } = await house();
  const foreign = { ...good, accounts: ['other'] };
  for (let index = 0; index < 10; index += 1) {
    assert.equal((await ask({ ...foreign, password: 'wrong' })).outcome, 'bad_credentials');
  }
  const begun = passwords.begun;
  const limited = await ask(foreign);
  assert.equal(limited.outcome, 'rate_limited');
  assert.match(refusal(limited).headers?.['Retry-After'] ?? '', /^[1-9]\d*$/);
  assert.equal(passwords.begun, begun);
  assert.equal((await ask({ ...foreign, events: 5 })).outcome, 'bad_request');
  assert.equal((await ask({ pad: 'x'.repeat(70_000) })).outcome, 'too_large');
  assert.equal((await ask(foreign, '192.0.2.2')).outcome, 'forbidden');
});

test('name and realm of an account share one set of tries', async () => {
  const { ask } = await house();
  for (let index = 0; index < 10; index += 1) {
    await ask({ ...good, password: 'wrong', domain: index % 2 === 0 ? 'acme' : 'acme.example.com' });
  }
  assert.equal((await ask(good)).outcome, 'rate_limited');
});

test('neither successes nor refused permissions count as failures', async () => {
  const { ask } = await house();
  for (let index = 0; index < 15; index += 1) {
    assert.equal((await ask(good)).outcome, 'granted');
    assert.equal((await ask({ ...good, accounts: ['other'] })).outcome, 'forbidden');
  }
});

test('a full hash queue is 503 with Retry-After, and counts as no failure', async () => {
  const { ask } = await house({ concurrency: 1, queue: 1 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(good)));
  const busy = answers.filter(({ outcome }) => outcome === 'busy');
  assert.equal(busy.length, 18);
  assert.equal(refusal(busy[0] as LoginAnswer).headers?.['Retry-After'], '2');
  assert.equal((await ask(good)).outcome, 'granted');
});

test('a large grant that cannot be kept is 503', async () => {
  const away = () => Promise.reject(new GrantStoreUnavailable('ECONNREFUSED'));
  const { ask } = await house({ grants: { put: away, get: away } });
  const accounts = Array.from({ length: 200 }, (_, index) => `acme_${index}`);
  const answer = await ask({ ...good, accounts });
  assert.deepEqual([answer.outcome, refusal(answer).status], ['unavailable', 503]);
});
