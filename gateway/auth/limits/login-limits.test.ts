import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lockout } from './lockout-registry.ts';
import {
  createLoginLimits,
  type CheckedTry,
  type LoginLimits,
  type LoginLimitsOptions,
  type LoginTry,
} from './login-limits.ts';

const limitsOf = (more: Partial<LoginLimitsOptions> = {}) =>
  createLoginLimits({
    redis: null,
    prefix: 'test:',
    resource: 'a/b',
    hashesPerSecond: 1_000_000,
    onLockout: () => undefined,
    now: Date.now,
    ...more,
  });

/** A wrong try. Returns why it was not judged, or null. */
async function fail(limits: LoginLimits, attempt: LoginTry) {
  const { delay, isKnown } = await limits.check(attempt);
  if (delay !== null) return delay.scope;
  const admission = await limits.admit(attempt, isKnown);
  if (admission.kind === 'delayed') return admission.delay.scope;
  assert.ok(admission.kind === 'admitted');
  await admission.finish('wrong_credentials');
  return null;
}

async function succeed(limits: LoginLimits, attempt: LoginTry) {
  const { delay, isKnown } = await limits.check(attempt);
  if (delay !== null) return delay.scope;
  const admission = await limits.admit(attempt, isKnown);
  assert.ok(admission.kind === 'admitted');
  await admission.finish('right_credentials');
  return null;
}

function delayedBy({ delay }: CheckedTry, scope: string, mostS: number) {
  assert.equal(delay?.scope, scope);
  assert.ok(delay.retryAfterS > 0 && delay.retryAfterS <= mostS, `${delay.retryAfterS}`);
}

const eva = { user: 'eva', domain: 'acme', account: 'acc', holdsToken: false };
const here = { ...eva, address: '192.0.2.1' };

/** Failures from 20 addresses, ten from each. */
async function attack(limits: LoginLimits, attempt = eva) {
  for (let at = 0; at < 200; at += 1) await fail(limits, { ...attempt, address: `198.51.100.${Math.floor(at / 10)}` });
}

test('ten failures of a user from an address delay that pair alone, by seconds and not for good', async () => {
  const limits = limitsOf();
  for (let at = 0; at < 10; at += 1) assert.equal(await fail(limits, here), null);
  assert.equal(await fail(limits, here), 'user_and_address');
  delayedBy(await limits.check(here), 'user_and_address', 5);
  assert.equal((await limits.check({ ...here, user: 'max' })).delay, null);
  assert.equal((await limits.check({ ...here, address: '192.0.2.2' })).delay, null);
});

test('whether a domain exists does not show in what its tries share', async () => {
  for (const [one, other] of [
    [
      { domain: 'acme', account: 'acc' },
      { domain: 'acme.example.com', account: 'acc' },
    ],
    [
      { domain: 'ghost', account: null },
      { domain: 'ghost.example.com', account: null },
    ],
    [
      { domain: 'acme', account: 'acc' },
      { domain: 'ghost', account: null },
    ],
    [
      { domain: 'ghost', account: null },
      { domain: 'acme', account: 'acc' },
    ],
  ]) {
    const limits = limitsOf();
    for (let at = 0; at < 10; at += 1) assert.equal(await fail(limits, { ...here, ...one }), null);
    assert.equal(await fail(limits, { ...here, ...other }), 'user_and_address', JSON.stringify([one, other]));
  }
});

test('a hundred failures of an address delay it by 2 s for unknown devices, and never a user who is known there', async () => {
  const limits = limitsOf();
  const known = { ...here, user: 'known' };
  assert.equal(await succeed(limits, known), null);
  for (let at = 0; at < 100; at += 1) assert.equal(await fail(limits, { ...here, user: `user-${at}` }), null);
  delayedBy(await limits.check({ ...here, user: 'new' }), 'address', 2);
  assert.equal((await limits.check(known)).delay, null);
  assert.equal(await succeed(limits, known), null);
});

test('failures from 20 addresses delay a user by seconds elsewhere, and not at all on a known device', async () => {
  const limits = limitsOf();
  assert.equal(await succeed(limits, here), null);
  await attack(limits);
  const elsewhere = { ...eva, address: '203.0.113.1' };
  delayedBy(await limits.check(elsewhere), 'user', 5);
  assert.equal((await limits.check(here)).delay, null);
  assert.equal(await succeed(limits, here), null);
  // A former token makes a device known at any address, even beside an attacker at the same address.
  assert.equal(await succeed(limits, { ...elsewhere, holdsToken: true }), null);
  assert.equal(await succeed(limits, { ...eva, address: '198.51.100.1', holdsToken: true }), null);
});

test('a device with a former token may fail ten times, too', async () => {
  const limits = limitsOf();
  const device = { ...here, holdsToken: true };
  for (let at = 0; at < 10; at += 1) assert.equal(await fail(limits, { ...device, address: `192.0.2.${at}` }), null);
  assert.equal(await fail(limits, device), 'known_device');
  assert.equal((await limits.check(here)).delay, null);
});

test('the failures of one account do not delay a user of the same name in another one from elsewhere', async () => {
  const limits = limitsOf();
  await attack(limits);
  assert.equal((await limits.check({ ...eva, domain: 'other', account: 'other', address: '203.0.113.1' })).delay, null);
});

test('tries in flight do not overshoot, and what was not judged is given back', async () => {
  const limits = limitsOf();
  const admissions = await Promise.all(Array.from({ length: 50 }, () => limits.admit(here, false)));
  assert.equal(admissions.filter(({ kind }) => kind === 'admitted').length, 10);
  for (const admission of admissions) if (admission.kind === 'admitted') await admission.finish('not_judged');
  assert.equal((await limits.check(here)).delay, null);
  assert.equal((await limits.admit(here, false)).kind, 'admitted');
});

test('a used up hash budget makes tries wait, and those beyond its patience are busy', async () => {
  const limits = limitsOf({ hashesPerSecond: 2 });
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, at) => limits.admit({ ...eva, address: `192.0.2.${at}` }, false)),
  );
  const kinds = answers.map(({ kind }) => kind);
  const admitted = kinds.filter((kind) => kind === 'admitted').length;
  assert.ok(admitted > 2 && admitted <= 8, `${admitted}`);
  assert.equal(kinds.filter((kind) => kind === 'busy').length, 30 - admitted);
});

test('logins that succeed are counted, too, by user', async () => {
  const limits = limitsOf({ successesPerMinute: 3 });
  const waits = [];
  for (let at = 0; at < 4; at += 1) waits.push(await limits.succeed({ ...eva, address: `192.0.2.${at}` }));
  assert.deepEqual(waits.slice(0, 3), [0, 0, 0]);
  assert.ok((waits[3] ?? 0) > 0 && (waits[3] ?? 0) <= 60);
  assert.equal(await limits.succeed({ ...here, user: 'max' }), 0);
});

test('tries of a known device take turns by device, others by user and by address', async () => {
  const limits = limitsOf();
  const [mine, sameUser, sameAddress] = await Promise.all([
    limits.check(here),
    limits.check({ ...here, address: '192.0.2.9' }),
    limits.check({ ...here, user: 'max' }),
  ]);
  assert.equal(mine.lanes[0], sameUser.lanes[0]);
  assert.equal(mine.lanes[1], sameAddress.lanes[1]);
  await succeed(limits, here);
  const known = await limits.check(here);
  assert.ok(known.isKnown && known.lanes.every((lane) => !mine.lanes.includes(lane)));
});

test('a lock-out is told once, listed with who and until when, and lifted by id, by user or with all others', async () => {
  const told: Lockout[] = [];
  const limits = limitsOf({ onLockout: (lockout) => told.push(lockout) });
  const lockOut = async (attempt: LoginTry) => {
    for (let at = 0; at < 12; at += 1) await fail(limits, attempt);
    assert.notEqual((await limits.check(attempt)).delay, null);
  };
  for (const filter of ['id', 'username', 'all'] as const) {
    told.length = 0;
    await lockOut(here);
    await lockOut({ ...here, user: 'max' });
    assert.deepEqual(
      told.map(({ scope, username, address }) => [scope, username, address]),
      [
        ['user_and_address', 'eva', '192.0.2.1'],
        ['user_and_address', 'max', '192.0.2.1'],
      ],
    );
    const listed = await limits.lockouts.list();
    assert.equal(listed.length, 2);
    for (const { failures, nextTryAt, until } of listed) {
      assert.equal(failures, 10);
      assert.ok(nextTryAt > Date.now() && nextTryAt <= Date.now() + 5_000 && until > nextTryAt);
    }
    const id = told[0]?.id ?? '';
    const lift = { id: { id }, username: { username: 'eva' }, all: { all: true as const } }[filter];
    assert.deepEqual((await limits.lockouts.lift(lift)).includes(id), true);
    assert.equal((await limits.lockouts.list()).length, filter === 'all' ? 0 : 1);
    assert.equal((await limits.check(here)).delay, null);
    assert.deepEqual(await limits.lockouts.lift({ id }), []);
    await limits.lockouts.lift({ all: true });
  }
});
