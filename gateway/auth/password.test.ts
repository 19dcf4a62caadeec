import assert from 'node:assert/strict';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { hash as argon2 } from '@node-rs/argon2';
import { createPasswords, hashPassword, type PasswordTry } from './password.ts';
import { WORKERS_BELOW, workers } from './worker-priority.ts';

const admit = () => Promise.resolve(true);
const attempt = (more: Partial<PasswordTry> = {}): PasswordTry => {
  return { user: 'eva', hash: null, password: 'x', isOpen: true, lanes: ['eva'], admit, ...more };
};

test('the right password matches, another does not, and a user that does not exist never does', async () => {
  const passwords = createPasswords();
  const hash = await hashPassword('sesame');
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await passwords.verify(attempt({ hash, password: 'sesame' })), 'match');
  assert.equal(await passwords.verify(attempt({ hash, password: 'Sesame' })), 'mismatch');
  assert.equal(await passwords.verify(attempt({ hash: null, password: 'sesame' })), 'mismatch');
  assert.equal(passwords.begun, 3);
});

test('composed and decomposed text is one password', async () => {
  const hash = await hashPassword('se\u0301same');
  assert.equal(await createPasswords().verify(attempt({ hash, password: 's\u00e9same' })), 'match');
});

test(
  'hashing goes behind the main thread where both want a core',
  { skip: process.platform !== 'linux' && 'only Linux gives threads priorities' },
  async () => {
    await createPasswords().verify(attempt());
    assert.ok(workers().length > 0);
    const behind = Math.min(19, getPriority(process.pid) + WORKERS_BELOW);
    for (const worker of workers()) assert.equal(getPriority(worker), behind);
  },
);

test('a try that is not admitted costs no hash', async () => {
  const passwords = createPasswords();
  assert.equal(await passwords.verify(attempt({ admit: () => Promise.resolve(false) })), 'refused');
  assert.equal(passwords.begun, 0);
});

test('at most two run at once, the queue is bounded, and all who wait get their turn', async () => {
  const passwords = createPasswords({ concurrency: 2, queue: 3 });
  let inTurn = 0;
  let most = 0;
  const turn = Promise.withResolvers<void>();
  const waiting = (password: string) =>
    attempt({
      password,
      async admit() {
        inTurn += 1;
        most = Math.max(most, inTurn);
        await turn.promise;
        inTurn -= 1;
        return false;
      },
    });
  const tries = Array.from({ length: 10 }, (_, at) => passwords.verify(waiting(`${at}`)));
  await new Promise(setImmediate);
  assert.equal(passwords.waiting, 3);
  turn.resolve();
  const outcomes = await Promise.all(tries);
  assert.equal(outcomes.filter((outcome) => outcome === 'busy').length, 5);
  assert.equal(outcomes.filter((outcome) => outcome === 'refused').length, 5);
  assert.equal(most, 2);
  assert.equal(passwords.waiting, 0);
});

test('a newcomer of another lane passes those of the longest one', async () => {
  const passwords = createPasswords({ concurrency: 1 });
  const order: string[] = [];
  const turn = Promise.withResolvers<void>();
  const queued = (name: string, lanes: readonly string[]) =>
    passwords.verify(
      attempt({
        password: name,
        lanes,
        async admit() {
          await turn.promise;
          order.push(name);
          return false;
        },
      }),
    );
  const hostile = Array.from({ length: 100 }, (_, at) => queued(`hostile-${at}`, ['uh', 'ah']));
  await new Promise(setImmediate);
  const victim = queued('victim', ['uv', 'av']);
  await new Promise(setImmediate);
  turn.resolve();
  await Promise.all([...hostile, victim]);
  assert.ok(order.indexOf('victim') <= 2, order.slice(0, 5).join(' '));
});

test('a turn that does not come in time is busy', async () => {
  const passwords = createPasswords({ concurrency: 1, patienceMs: 20 });
  const turn = Promise.withResolvers<boolean>();
  const first = passwords.verify(attempt({ password: 'first', admit: () => turn.promise }));
  await new Promise(setImmediate);
  assert.equal(await passwords.verify(attempt({ password: 'second' })), 'busy');
  assert.equal(passwords.waiting, 0);
  turn.resolve(false);
  assert.equal(await first, 'refused');
});

test('200 logins of one user at once cost one hash, and one a moment later none', async () => {
  const passwords = createPasswords({ concurrency: 1, queue: 1 });
  const hash = await hashPassword('sesame');
  const right = attempt({ hash, password: 'sesame' });
  const outcomes = await Promise.all(Array.from({ length: 200 }, () => passwords.verify(right)));
  assert.deepEqual([new Set(outcomes), passwords.begun], [new Set(['match']), 1]);
  assert.ok(passwords.isRemembered(right));
  for (const other of [
    { password: 'wrong' },
    { user: 'max' },
    { hash: await hashPassword('sesame') },
    { hash: null },
  ]) {
    assert.ok(!passwords.isRemembered({ ...right, ...other }));
  }
});

test('a wrong password is judged for each who sends it, and the right one of a closed user like a wrong one', async () => {
  const hash = await hashPassword('sesame');
  for (const closed of [
    attempt({ hash, password: 'wrong' }),
    attempt({ hash: null }),
    attempt({ hash, password: 'sesame', isOpen: false }),
  ]) {
    const passwords = createPasswords();
    await Promise.all(Array.from({ length: 5 }, () => passwords.verify(closed)));
    assert.equal(passwords.begun, 5);
    assert.ok(!passwords.isRemembered(closed));
  }
});

test('each try does the work of every cost in the directory, so that no user is told apart', async () => {
  const cheap = await argon2('sesame', { memoryCost: 1_024, timeCost: 1, parallelism: 1 });
  const dear = await argon2('sesame', { memoryCost: 19_456, timeCost: 3, parallelism: 1 });
  const passwords = createPasswords({ costs: () => ['m=1024,t=1,p=1', 'm=19456,t=3,p=1'] });
  const kinds = { cheap, dear, unknown: null };
  for (const [kind, hash] of Object.entries(kinds)) {
    const outcome = await passwords.verify(attempt({ user: kind, hash, password: 'sesame' }));
    assert.equal(outcome, hash === null ? 'mismatch' : 'match');
  }
  const times: Record<string, number[]> = { cheap: [], dear: [], unknown: [] };
  for (let round = 0; round < 5; round += 1) {
    for (const [kind, hash] of Object.entries(kinds)) {
      const start = process.cpuUsage();
      await passwords.verify(attempt({ user: kind, hash, password: `wrong-${round}` }));
      const { user, system } = process.cpuUsage(start);
      times[kind]?.push(user + system);
    }
  }
  // Without padding the expensive hash takes 50 times as long as the cheap one.
  const [cheapest = 0, , dearest = 0] = Object.values(times)
    .map((list) => list.toSorted((a, b) => a - b)[2] ?? 0)
    .toSorted((a, b) => a - b);
  assert.ok(dearest < cheapest * 1.5, JSON.stringify(times));
});

test('a verification that fails hands its turn on', async () => {
  const passwords = createPasswords({ concurrency: 1 });
  await assert.rejects(passwords.verify(attempt({ hash: 'nonsense' })));
  assert.equal(await passwords.verify(attempt()), 'mismatch');
});
