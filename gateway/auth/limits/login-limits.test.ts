import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoginLimits, networkOf } from './login-limits.ts';

const limitsOf = (hashesPerSecond = 1_000_000) =>
  createLoginLimits({ redis: null, prefix: 'test:', resource: 'a/b', hashesPerSecond });
type Limits = ReturnType<typeof limitsOf>;

async function fail(limits: Limits, attempt: { user: string; domain: string; address: string }) {
  const admission = await limits.admit(attempt);
  if (admission.kind === 'admitted') await admission.settle('wrong_credentials');
  return admission.kind;
}

const eva = { user: 'eva', domain: 'acme' };
/** Failures from as many addresses as it takes to use up the user's tries everywhere. */
async function attack(limits: Limits) {
  for (let index = 0; index < 200; index += 1) {
    await fail(limits, { ...eva, address: `198.51.100.${Math.floor(index / 10)}` });
  }
}

test('IPv6 addresses of one /64 are one, a mapped IPv4 address is itself', () => {
  assert.equal(networkOf('2001:db8:1:2:3::4'), networkOf('2001:db8:1:2::'));
  assert.notEqual(networkOf('2001:db8:1:2::'), networkOf('2001:db8:1:3::'));
  assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(networkOf('fe80::1%eth0'), networkOf('fe80::2'));
  assert.equal(networkOf('nonsense'), 'unknown');
});

test('ten failures of a user from an address lock that pair alone', async () => {
  const limits = limitsOf();
  const here = { ...eva, address: '192.0.2.1' };
  for (let index = 0; index < 10; index += 1) assert.equal(await fail(limits, here), 'admitted');
  assert.equal(await fail(limits, { ...here, user: 'EVA' }), 'limited');
  assert.ok(((await limits.check(here))?.retryAfterS ?? 0) > 1);
  assert.equal(await limits.check({ ...here, user: 'max' }), null);
  assert.equal(await limits.check({ ...here, address: '192.0.2.2' }), null);
});

test('a hundred failures of an address lock it for every user', async () => {
  const limits = limitsOf();
  for (let index = 0; index < 100; index += 1) {
    assert.equal(await fail(limits, { user: `user${index}`, domain: 'acme', address: '2001:db8::1' }), 'admitted');
  }
  assert.notEqual(await limits.check({ user: 'new', domain: 'acme', address: '2001:db8::2' }), null);
});

test('failures from everywhere lock a user, but not where the user has logged in from', async () => {
  const limits = limitsOf();
  const home = { ...eva, address: '192.0.2.1' };
  const admission = await limits.admit(home);
  assert.ok(admission.kind === 'admitted');
  await admission.settle('right_credentials');
  await attack(limits);
  assert.notEqual(await limits.check({ ...eva, address: '203.0.113.1' }), null);
  assert.equal(await limits.check(home), null);
  assert.equal((await limits.admit(home)).kind, 'admitted');
});

test('tries in flight do not overshoot, and what was not judged is given back', async () => {
  const limits = limitsOf();
  const here = { ...eva, address: '192.0.2.1' };
  const admissions = await Promise.all(Array.from({ length: 50 }, () => limits.admit(here)));
  assert.equal(admissions.filter(({ kind }) => kind === 'admitted').length, 10);
  for (const admission of admissions) if (admission.kind === 'admitted') await admission.settle('not_judged');
  assert.equal((await limits.admit(here)).kind, 'admitted');
});

test('the hash budget turns away with a second to wait', async () => {
  const limits = limitsOf(3);
  const answers = await Promise.all(
    Array.from({ length: 5 }, (_, index) => limits.admit({ ...eva, address: `192.0.2.${index}` })),
  );
  assert.deepEqual(
    answers.map((answer) => (answer.kind === 'limited' ? answer.retryAfterS : 0)),
    [0, 0, 0, 1, 1],
  );
});
