import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLive } from '../../runtime/lifecycle/live.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { startRedis } from '../../testing/redis-server.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import { parseDirectory } from '../directory/parse-directory.ts';
import { memoryGrantStore } from './grant-store.ts';
import { createLogin, type Login } from './login.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { createLoginLimits, type LoginLimits } from './limits/login-limits.ts';
import { createPasswords, hashPassword, type Passwords } from './password.ts';
import { keyRing, newKey } from './signing-keys.ts';
import { createTokens } from './token.ts';
import { profilesFor } from '../testing/profiles.ts';

const TRIES = 100_000;
const AT_ONCE = 500;
const SAMPLES = 1_000;
/** Welch's t beyond which two means differ: by chance once in a million runs; a skipped hash gives thousands. */
const DIFFERENT = 5;
const passwordHash = await hashPassword('sesame');
const parsed = parseDirectory(
  JSON.stringify({
    accounts: [{ id: 'root', name: 'admin', realm: 'admin.example.com' }],
    users: [
      { username: 'eva', account: 'root', passwordHash },
      // One user for each try, so that no limit applies.
      ...Array.from({ length: SAMPLES }, (_, at) => ({ username: `user-${at}`, account: 'root', passwordHash })),
    ],
  }),
);
assert.ok(parsed.ok);
const directory: LiveDirectory = { current: parsed.directory, onChange: () => () => undefined };
const keys = await keyRing([await newKey('HS256')]);

function replica(limits: LoginLimits): { login: Login; passwords: Passwords } {
  const passwords = createPasswords({ costs: () => directory.current.hashCosts });
  const tokens = createTokens({
    keys,
    grants: memoryGrantStore(Date.now),
    resource: 'a/b',
    issuer: 'i',
    audience: 'a',
    ttlMs: 60_000,
  });
  const spec = {
    account: { id: 'root', includeDescendants: true },
    filters: { events: [], excludeEvents: [], accounts: [], additionalEvents: [] },
  };
  return {
    passwords,
    login: createLogin({
      directory,
      passwords,
      tokens,
      limits,
      scope: createLive(spec),
      profiles: profilesFor().profiles,
      revocationMark: async () => 0,
      logger: silentLogger,
      now: Date.now,
    }),
  };
}

const limitsOn = (redis: RedisClient | null) =>
  createLoginLimits({ redis, prefix: 'firehose:', resource: 'a/b', onLockout: () => undefined, now: Date.now });
const userBody = (at: number, password: string) =>
  Buffer.from(JSON.stringify({ username: `user-${at}`, password, domain: 'admin' }));
const body = (password: string) => Buffer.from(JSON.stringify({ username: 'eva', password, domain: 'admin' }));

test(
  '100,000 tries from many addresses over three replicas cost at most 200 hashes, and the user still gets in from where he is known',
  { timeout: 300_000 },
  async () => {
    await using redis = await startRedis();
    const clients = [0, 1, 2].map((at) => commandClient(redis.url, { logger: silentLogger, name: `replica-${at}` }));
    for (const client of clients) assert.ok(await becomesReady(client, 5_000));
    const replicas = clients.map((client) => replica(limitsOn(client)));
    const [first] = replicas;
    const home = '203.0.113.9';
    assert.equal((await first?.login(body('sesame'), { address: home }))?.outcome, 'granted');
    const outcomes = new Map<string, number>();
    for (let start = 0; start < TRIES; start += AT_ONCE) {
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, at) => {
          const address = `198.51.${100 + ((start + at) % 50)}.${(start / AT_ONCE) % 200}`;
          return replicas[at % 3]?.login(body(`guess-${start + at}`), { address });
        }),
      );
      for (const answer of answers) outcomes.set(answer?.outcome ?? '', (outcomes.get(answer?.outcome ?? '') ?? 0) + 1);
    }
    const hashed = replicas.reduce((sum, { passwords }) => sum + passwords.begun, 0);
    assert.ok(hashed <= 201, `${hashed} hashes, ${JSON.stringify([...outcomes])}`);
    assert.equal(outcomes.get('granted'), undefined);
    assert.equal((await replicas[2]?.login(body('sesame'), { address: home }))?.outcome, 'granted');
    for (const client of clients) client.disconnect();
  },
);

test('10,000 logins at once: a few are hashed, the others get 503 with a time to wait, and none is lost', async () => {
  const { login, passwords } = replica(limitsOn(null));
  const answers = await Promise.all(
    Array.from({ length: 10_000 }, (_, at) =>
      login(userBody(at % SAMPLES, `${at}`), { address: `10.${at % 250}.${Math.floor(at / 250)}.1` }),
    ),
  );
  const count = (outcome: string) => answers.filter((answer) => answer.outcome === outcome).length;
  assert.equal(count('bad_credentials') + count('busy') + count('rate_limited'), 10_000);
  assert.ok(count('bad_credentials') > 0 && passwords.begun <= 2 + 512, `${passwords.begun} hashes`);
  for (const answer of answers) {
    if (answer.kind === 'granted' || answer.outcome === 'bad_credentials') continue;
    assert.ok(Number(answer.problem.headers?.['Retry-After']) > 0, answer.outcome);
  }
  assert.equal(passwords.waiting, 0);
});

test(
  'a user who exists takes as long to refuse as one who does not: Welch over 1,000 and 1,000 logins',
  { timeout: 300_000 },
  async () => {
    await using redis = await startRedis();
    const client = commandClient(redis.url, { logger: silentLogger, name: 'replica' });
    assert.ok(await becomesReady(client, 5_000));
    const { login } = replica(limitsOn(client));
    const times = { known: [] as number[], unknown: [] as number[] };
    for (let at = 0; at < SAMPLES; at += 1) {
      // Alternates, and each goes first equally often: drift of the machine affects both alike.
      const order = at % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const);
      for (const kind of order) {
        const username = kind === 'known' ? `user-${at}` : `stranger-${at}`;
        const text = JSON.stringify({ username, password: 'wrong', domain: 'admin' });
        const start = performance.now();
        const answer = await login(Buffer.from(text), {
          address: `10.${kind === 'known' ? 1 : 2}.${at >> 8}.${at & 255}`,
        });
        times[kind].push(performance.now() - start);
        assert.equal(answer.outcome, 'bad_credentials');
      }
    }
    const t = welch(times.known, times.unknown);
    assert.ok(Math.abs(t) < DIFFERENT, `t = ${t}`);
    client.disconnect();
  },
);

/** Welch's t of two samples. */
function welch(a: readonly number[], b: readonly number[]): number {
  const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const squaredError = (list: readonly number[]) => {
    const middle = mean(list);
    return list.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (list.length - 1) / list.length;
  };
  return (mean(a) - mean(b)) / Math.sqrt(squaredError(a) + squaredError(b));
}
