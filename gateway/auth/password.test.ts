import assert from 'node:assert/strict';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { createPasswords, hashPassword } from './password.ts';
import { WORKER_PRIORITY, workers } from './worker-priority.ts';

const admit = () => Promise.resolve(true);

test('the right password matches, another does not, and a user that does not exist never does', async () => {
  const passwords = createPasswords();
  const hash = await hashPassword('sesame');
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await passwords.verify({ hash, password: 'sesame', admit }), 'match');
  assert.equal(await passwords.verify({ hash, password: 'Sesame', admit }), 'mismatch');
  assert.equal(await passwords.verify({ hash: null, password: 'sesame', admit }), 'mismatch');
  assert.equal(passwords.begun, 3);
});

test(
  'hashing goes behind the main thread where both want a core',
  { skip: process.platform !== 'linux' && 'only Linux gives threads priorities' },
  async () => {
    await createPasswords().verify({ hash: null, password: 'x', admit });
    assert.ok(workers().length > 0);
    for (const worker of workers()) assert.equal(getPriority(worker), WORKER_PRIORITY);
    assert.ok(getPriority(process.pid) < WORKER_PRIORITY);
  },
);

test('who is not admitted costs no hash', async () => {
  const passwords = createPasswords();
  const attempt = { hash: null, password: 'x', admit: () => Promise.resolve(false) };
  assert.equal(await passwords.verify(attempt), 'refused');
  assert.equal(passwords.begun, 0);
});

test('at most two run at once, the queue is bounded, and all who wait get their turn', async () => {
  const passwords = createPasswords({ concurrency: 2, queue: 3 });
  let inTurn = 0;
  let most = 0;
  const turn = Promise.withResolvers<void>();
  const attempt = {
    hash: null,
    password: 'x',
    async admit() {
      inTurn += 1;
      most = Math.max(most, inTurn);
      await turn.promise;
      inTurn -= 1;
      return false;
    },
  };
  const tries = Array.from({ length: 10 }, () => passwords.verify(attempt));
  assert.equal(passwords.waiting, 3);
  turn.resolve();
  const outcomes = await Promise.all(tries);
  assert.equal(outcomes.filter((outcome) => outcome === 'busy').length, 5);
  assert.equal(outcomes.filter((outcome) => outcome === 'refused').length, 5);
  assert.equal(most, 2);
  assert.equal(passwords.waiting, 0);
});

test('a verification that fails hands its turn on', async () => {
  const passwords = createPasswords({ concurrency: 1 });
  await assert.rejects(passwords.verify({ hash: 'nonsense', password: 'x', admit }));
  assert.equal(await passwords.verify({ hash: null, password: 'x', admit }), 'mismatch');
});
