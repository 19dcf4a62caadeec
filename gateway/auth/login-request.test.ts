import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseLogin } from './login-request.ts';

const good = { username: 'admin', password: 'adminpassword', domain: 'admin' };
const parse = (body: unknown) => parseLogin(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));

function problem(body: unknown) {
  const parsed = parse(body);
  assert.ok(!parsed.ok);
  return [parsed.problem.status, parsed.problem.code, parsed.problem.field];
}

test('absent, null and empty filters all mean everything', () => {
  const empty = { accounts: [], events: [], privacy: '' };
  for (const filters of [{}, { accounts: null, events: null, privacy: null }, empty]) {
    assert.deepEqual(parse({ ...good, ...filters }), {
      ok: true,
      request: { ...good, accessToken: null, accounts: null, events: null, privacy: null, ignored: [] },
    });
  }
});

test('repeats in filters are dropped and keys beyond the contract are ignored', () => {
  const parsed = parse({ ...good, accounts: ['a', 'a'], events: ['DTMF', 'DTMF'], extra: { deep: [1] } });
  assert.ok(parsed.ok);
  assert.deepEqual([parsed.request.accounts, parsed.request.events], [['a'], ['DTMF']]);
  assert.deepEqual(parsed.request.ignored, ['extra']);
});

test('each fault of the shape has its code and names its field', () => {
  assert.deepEqual(problem('nonsense'), [400, 'invalid_json', undefined]);
  assert.deepEqual(problem('[]'), [400, 'invalid_json', undefined]);
  assert.deepEqual(problem({ ...good, username: undefined }), [400, 'missing_field', 'username']);
  assert.deepEqual(problem({ ...good, password: 5 }), [400, 'wrong_type', 'password']);
  assert.deepEqual(problem({ ...good, domain: '' }), [400, 'missing_field', 'domain']);
  assert.deepEqual(problem({ ...good, username: 'u'.repeat(257) }), [400, 'too_long', 'username']);
  assert.deepEqual(problem({ ...good, password: 'é'.repeat(513) }), [400, 'too_long', 'password']);
  assert.deepEqual(problem({ ...good, accounts: 'a' }), [400, 'wrong_type', 'accounts']);
  assert.deepEqual(problem({ ...good, accounts: ['a', 5] }), [400, 'wrong_type', 'accounts[1]']);
  assert.deepEqual(problem({ ...good, accounts: ['a/b'] }), [400, 'invalid_account_id', 'accounts[0]']);
  const many = (count: number) => Array.from({ length: count }, () => 'DTMF');
  assert.deepEqual(problem({ ...good, accounts: many(1_001) }), [400, 'too_many_accounts', 'accounts']);
  assert.deepEqual(problem({ ...good, events: many(101) }), [400, 'too_many_events', 'events']);
  assert.deepEqual(problem({ ...good, events: ['NOPE'] }), [400, 'unknown_event', 'events[0]']);
  assert.deepEqual(problem('{"a":' + '['.repeat(20) + ']'.repeat(20) + '}'), [400, 'invalid_json', undefined]);
});

test('an unknown event is answered with the known ones, those added by configuration among them', () => {
  const body = Buffer.from(JSON.stringify({ ...good, events: ['NOPE'] }));
  const parsed = parseLogin(body, ['MY_EVENT']);
  assert.ok(!parsed.ok);
  const known = parsed.problem.extra?.['known_events'];
  assert.ok(Array.isArray(known) && known.includes('DTMF') && known.includes('MY_EVENT'));
  assert.ok(parseLogin(Buffer.from(JSON.stringify({ ...good, events: ['MY_EVENT'] })), ['MY_EVENT']).ok);
});

test('a key that is nearly a filter is refused with the one that is meant', () => {
  for (const key of [
    'acounts',
    'account',
    'Accounts',
    'ACCOUNTS',
    'account_s',
    'account_ids',
    'event',
    'Events',
    'evnets',
    'vents',
  ]) {
    const parsed = parse({ ...good, [key]: [] });
    assert.ok(!parsed.ok, key);
    const meant = key.toLowerCase().startsWith('a') ? 'accounts' : 'events';
    assert.deepEqual(
      [parsed.problem.status, parsed.problem.code, parsed.problem.field, parsed.problem.extra],
      [400, 'unknown_key', key, { did_you_mean: meant }],
    );
  }
  for (const key of ['client', 'device', 'agents', 'account_name', 'realm', '__proto__x', '']) {
    assert.ok(parse({ ...good, [key]: [] }).ok, key);
  }
});

test('a prototype key lends no fields and pollutes nothing', () => {
  assert.deepEqual(problem(`{"__proto__":${JSON.stringify(good)}}`), [400, 'missing_field', 'username']);
  assert.equal(({} as Record<string, unknown>)['username'], undefined);
});

test('brackets inside of strings are not depth', () => {
  assert.ok(parse({ ...good, password: '[{"\\'.repeat(50) }).ok);
});

test('1,000 hostile bodies are 400, never a throw', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc.integer({ min: 1, max: 70_000 }).map((depth) => Buffer.from('['.repeat(depth))),
    fc
      .record({
        username: fc.jsonValue(),
        password: fc.jsonValue(),
        domain: fc.constant(null),
        accounts: fc.jsonValue(),
      })
      .map((body) => Buffer.from(JSON.stringify(body))),
  );
  fc.assert(
    fc.property(hostile, (body) => {
      const parsed = parseLogin(body);
      assert.ok(!parsed.ok && parsed.problem.status === 400);
    }),
    { numRuns: 1_000 },
  );
});

test('a token of an identity provider stands for user name, password and domain, only where it is taken', () => {
  const withTokens = (body: object) => parseLogin(Buffer.from(JSON.stringify(body)), [], true);
  const taken = withTokens({ access_token: 'abc', events: ['DTMF'] });
  assert.ok(taken.ok);
  const { accessToken, username, events, ignored } = taken.request;
  assert.deepEqual([accessToken, username, events, ignored], ['abc', '', ['DTMF'], []]);
  const both = withTokens({ ...good, access_token: 'abc' });
  assert.ok(!both.ok && both.problem.code === 'two_credentials');
  assert.ok(withTokens(good).ok);
  const ignoredKey = parse({ ...good, access_token: 'abc' });
  assert.deepEqual(ignoredKey.ok && ignoredKey.request.ignored, ['access_token']);
});
