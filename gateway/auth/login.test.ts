import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLive } from '../../runtime/lifecycle/live.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import { parseDirectory } from '../directory/parse-directory.ts';
import { GrantStoreUnavailable, memoryGrantStore, type GrantStore } from './grant-store.ts';
import { createLogin, type LoginAnswer } from './login.ts';
import { createLoginLimits, type LoginLimits } from './limits/login-limits.ts';
import { createPasswords, hashPassword } from './password.ts';
import { keyRing, newKey } from './signing-keys.ts';
import { createTokens } from './token.ts';
import { profilesFor } from '../testing/profiles.ts';

const NOW = Date.UTC(2026, 0, 1);
const passwordHash = await hashPassword('sesame');
const parsed = parseDirectory(
  JSON.stringify({
    accounts: [
      { id: 'root', name: 'admin', realm: 'admin.example.com' },
      { id: 'acme', name: 'Acme', realm: 'acme.example.com', parent: 'root' },
      { id: 'closed', name: 'Closed', realm: 'closed.example.com', parent: 'root', enabled: false },
      { id: 'below', name: 'Below', realm: 'below.example.com', parent: 'closed' },
      { id: 'books', name: 'B\u00fccher', realm: 'b\u00fccher.example', parent: 'root' },
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
      { username: 'Jose\u0301', account: 'books', passwordHash },
      { username: 'gone', account: 'acme', passwordHash, enabled: false },
      { username: 'eva', account: 'below', passwordHash },
      { username: 'eva', account: 'other', passwordHash },
      { username: 'vendor', account: 'acme', passwordHash, privacy: 'strict' },
      { username: 'lost', account: 'acme', passwordHash, privacy: 'gone' },
    ],
  }),
);
assert.ok(parsed.ok);
const directory: LiveDirectory = { current: parsed.directory, onChange: () => () => undefined };

const good = { username: 'eva', password: 'sesame', domain: 'acme' };
const LIMITS = { redis: null, prefix: 'test:', resource: 'a/b', onLockout: () => undefined, now: () => NOW };
const unlimited = (): LoginLimits => createLoginLimits(LIMITS);

interface Parts {
  limits?: LoginLimits;
  grants?: GrantStore;
  queue?: number;
  concurrency?: number;
  mark?: () => number;
  privacy?: object;
}

async function house(parts: Parts = {}) {
  const passwords = createPasswords({ queue: parts.queue ?? 64, concurrency: parts.concurrency ?? 2 });
  const tokens = createTokens({
    keys: await keyRing([await newKey('HS256')]),
    grants: parts.grants ?? memoryGrantStore(() => NOW),
    resource: 'a/b',
    issuer: 'a/b',
    audience: 'a/b',
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
    profiles: profilesFor(parts.privacy).profiles,
    revocationMark: async () => parts.mark?.() ?? 0,
    logger: silentLogger,
    now: () => NOW,
  });
  const ask = (body: unknown, address = '192.0.2.1') => login(Buffer.from(JSON.stringify(body)), { address });
  return { login, ask, passwords, tokens };
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
    check: async () => ({ delay: null, isKnown: false, lanes: [] }),
    async admit() {
      mark = asked ? 2 : 3;
      return { kind: 'admitted', finish: async () => undefined };
    },
    succeed: async () => 0,
    lockouts: { list: async () => [], lift: async () => [] },
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
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, at) => ask({ ...good, username: `user-${at}` }, `192.0.2.${at}`)),
  );
  const busy = answers.filter(({ outcome }) => outcome === 'busy');
  assert.equal(busy.length, 18);
  assert.equal(refusal(busy[0] as LoginAnswer).headers?.['Retry-After'], '2');
  assert.equal((await ask(good)).outcome, 'granted');
});

test('a user who logs in more often than a user may waits, and others do not', async () => {
  const { ask } = await house({ limits: createLoginLimits({ ...LIMITS, successesPerMinute: 2 }) });
  for (const outcome of ['granted', 'granted', 'rate_limited']) assert.equal((await ask(good)).outcome, outcome);
  const problem = refusal(await ask(good));
  assert.deepEqual([problem.status, problem.code], [429, 'too_many_logins']);
  assert.ok(Number(problem.headers?.['Retry-After']) > 0);
  assert.equal((await ask({ ...good, username: 'Jos\u00e9', domain: 'b\u00fccher' })).outcome, 'granted');
});

test('a large grant that cannot be kept is 503', async () => {
  const away = () => Promise.reject(new GrantStoreUnavailable('ECONNREFUSED'));
  const { ask } = await house({ grants: { put: away, get: away } });
  const accounts = Array.from({ length: 200 }, (_, index) => `acme_${index}`);
  const answer = await ask({ ...good, accounts });
  assert.deepEqual([answer.outcome, refusal(answer).status], ['unavailable', 503]);
});

const parallel = <T>(count: number, run: (at: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, at) => run(at)));

test('a victim logs in after at most one try of each address beside 1,000 hostile ones from 20', async () => {
  for (const hostileBody of [
    (at: number) => ({ ...good, username: `hostile-${at}`, password: 'x' }),
    (at: number) => ({ ...good, username: 'hostile', password: `${at}` }),
    (at: number) => ({ ...good, username: 'hostile', password: `${at}`, domain: `d${at}` }),
  ]) {
    const { ask, passwords } = await house({ queue: 512 });
    const hostile = parallel(1_000, (at) => ask(hostileBody(at), `198.51.100.${at % 20}`));
    // All of them are in the queue, or refused, before the victim's login.
    while (passwords.begun < 2) await new Promise(setImmediate);
    const before = passwords.begun;
    const answer = await ask(good, '203.0.113.1');
    assert.equal(answer.outcome, 'granted');
    assert.ok(passwords.begun - before <= 26, `${passwords.begun - before} hashes before the victim's`);
    // Also when the victim's address was known before the attack.
    assert.ok((await hostile).every(({ outcome }) => outcome !== 'granted'));
  }
});

test('80 logins of one user in parallel, all of them right, leave room for another user', async () => {
  const { ask, passwords } = await house({ queue: 8 });
  const answers = await Promise.all([parallel(80, () => ask(good)), ask({ ...good, domain: 'other' }, '203.0.113.1')]);
  assert.ok(answers[0].every(({ outcome }) => outcome === 'granted'));
  assert.equal(answers[1].outcome, 'bad_credentials');
  assert.equal(passwords.begun, 2);
});

test('a right password that was judged a moment ago gets in beside an attack on its user and address', async () => {
  const { ask, passwords } = await house();
  assert.equal((await ask(good)).outcome, 'granted');
  const begun = passwords.begun;
  for (let at = 0; at < 15; at += 1) await ask({ ...good, password: `${at}` });
  assert.equal((await ask({ ...good, password: 'other' })).outcome, 'rate_limited');
  assert.equal((await ask(good)).outcome, 'granted');
  assert.equal((await ask({ ...good, username: 'EVA', domain: 'acme.example.com' })).outcome, 'rate_limited');
  assert.equal(passwords.begun, begun + 10);
});

test('a former token is a known device: its user gets in where the password is being guessed', async () => {
  const { login, ask } = await house();
  const first = await ask(good, '203.0.113.1');
  assert.ok(first.kind === 'granted');
  for (let at = 0; at < 15; at += 1) await ask({ ...good, domain: 'acme.example.com', password: `${at}` });
  const body = Buffer.from(JSON.stringify({ ...good, domain: 'acme.example.com' }));
  const client = { address: '192.0.2.1' };
  assert.equal((await login(body, client)).outcome, 'rate_limited');
  for (const formerToken of ['', 'x.y.z', `${first.body.access_token} `, null]) {
    assert.equal((await login(body, { ...client, formerToken })).outcome, 'rate_limited');
  }
  const known = { ...client, formerToken: first.body.access_token };
  assert.equal((await login(body, known)).outcome, 'granted');
  // The token identifies a device of this user only.
  for (let at = 0; at < 10; at += 1) await ask({ ...good, username: 'max', password: `${at}` });
  const other = Buffer.from(JSON.stringify({ ...good, username: 'max' }));
  assert.equal((await login(other, known)).outcome, 'rate_limited');
});

test('the answer to a delayed login says why and until when', async () => {
  const { ask } = await house();
  for (let at = 0; at < 10; at += 1) await ask({ ...good, password: `${at}` });
  const problem = refusal(await ask(good));
  const wait = Number(problem.headers?.['Retry-After']);
  assert.deepEqual([problem.status, problem.code, wait > 0 && wait <= 5], [429, 'too_many_tries', true]);
  const retryAt = new Date(NOW + wait * 1_000).toISOString();
  assert.deepEqual(problem.extra, { reason: 'user_and_address', retry_at: retryAt });
  assert.equal(
    problem.detail,
    `too many wrong passwords for this user name from this address: try again in ${wait} s, at ${retryAt}`,
  );
});

test('an address with a hundred failures is not locked: a new user gets in there after a moment', async () => {
  const { ask } = await house({ queue: 512 });
  await parallel(100, (at) => ask({ ...good, username: `user-${at}`, password: 'x' }));
  assert.equal((await ask(good)).outcome, 'granted');
});

test('keys that mean nothing are named in the answer, and a mistyped filter is refused', async () => {
  const { ask } = await house();
  const answer = await ask({ ...good, client: 'crm', ['x'.repeat(100)]: 1 });
  assert.ok(answer.kind === 'granted');
  assert.deepEqual(answer.body.ignored, ['client', 'x'.repeat(64)]);
  const problem = refusal(await ask({ ...good, acounts: ['acme'] }));
  assert.deepEqual([problem.status, problem.code, problem.field], [400, 'unknown_key', 'acounts']);
  assert.equal(problem.extra?.['did_you_mean'], 'accounts');
});

test('user name and domain are the same however they are typed (NFC, IDNA)', async () => {
  const { ask } = await house();
  for (const [username, domain] of [
    ['Jos\u00e9', 'B\u00fccher'],
    ['jose\u0301', 'bu\u0308cher.example'],
    ['JOSE\u0301', 'XN--BCHER-KVA.example'],
    ['jos\u00e9', 'xn--bcher-kva'],
  ]) {
    assert.equal((await ask({ username, domain, password: 'sesame' })).outcome, 'granted', `${username} ${domain}`);
  }
});

const PRIVACY = {
  default: 'crm',
  profiles: [{ name: 'crm', numbers: 'Last4' }, { name: 'strict' }, { name: 'open', numbers: 'Keep', names: 'Keep' }],
};

test('V2: a login has the profile of its user and of the resource, and may ask for a stricter one alone', async () => {
  const { ask, tokens } = await house({ privacy: PRIVACY });
  const shownTo = async (username: string, privacy?: unknown) => {
    const answer = await ask({ ...good, username, privacy });
    if (answer.kind === 'refused') return answer.problem;
    const verified = await tokens.verify(answer.body.access_token, NOW);
    assert.ok(verified.kind === 'valid');
    return [answer.body.privacy?.profile, ...(verified.token.grant.privacy ?? [])];
  };
  assert.deepEqual(await shownTo('eva'), ['crm']);
  assert.deepEqual(await shownTo('eva', null), ['crm']);
  assert.deepEqual(await shownTo('eva', 'strict'), ['strict', 'strict']);
  assert.deepEqual(await shownTo('vendor'), ['strict', 'strict']);
  assert.deepEqual(await shownTo('vendor', 'strict'), ['strict', 'strict']);
  const { status, code, field, extra } = refusal(await ask({ ...good, username: 'vendor', privacy: 'crm' }));
  assert.deepEqual([status, code, field, extra], [403, 'privacy_wider', 'privacy', { may_ask: ['strict'] }]);
  assert.equal(refusal(await ask({ ...good, privacy: 'open' })).code, 'privacy_wider');
  assert.equal(refusal(await ask({ ...good, privacy: 'nobody' })).code, 'privacy_unknown');
  assert.equal(refusal(await ask({ ...good, username: 'lost' })).code, 'privacy_missing');
  assert.equal(refusal(await ask({ ...good, username: 'lost', privacy: 'strict' })).code, 'privacy_missing');
  assert.equal(refusal(await ask({ ...good, privacy: ['strict'] })).code, 'wrong_type');
  assert.equal(refusal(await ask({ ...good, privcy: 'strict' })).code, 'unknown_key');
  assert.equal(refusal(await ask({ ...good, password: 'wrong', privacy: 'nobody' })).code, 'wrong_credentials');
});

test('without profiles a login says nothing of them, and its token neither', async () => {
  const { ask, tokens } = await house();
  const answer = await ask(good);
  assert.ok(answer.kind === 'granted');
  assert.ok(!('privacy' in answer.body));
  const verified = await tokens.verify(answer.body.access_token, NOW);
  assert.ok(verified.kind === 'valid' && !('privacy' in verified.token.grant));
});

test('equal large filters share one stored grant, whatever their profiles', async () => {
  const { ask, tokens } = await house({ privacy: PRIVACY });
  const accounts = Array.from({ length: 200 }, (_, index) => `acme_${index}`);
  for (const privacy of [undefined, 'strict']) {
    const answer = await ask({ ...good, accounts, privacy });
    assert.ok(answer.kind === 'granted');
    const verified = await tokens.verify(answer.body.access_token, NOW);
    assert.ok(verified.kind === 'valid');
    assert.deepEqual(verified.token.grant.privacy, privacy === undefined ? undefined : [privacy]);
    assert.equal(verified.token.grant.accounts?.length, accounts.length);
  }
});
