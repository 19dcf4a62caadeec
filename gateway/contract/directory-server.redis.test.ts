import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DIRECTORY_REFRESH_PATH } from '../../protocol/paths.ts';
import { resourceKeys } from '../../protocol/keys.ts';
import { commandClient } from '../../runtime/redis/client.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { hashPassword } from '../auth/password.ts';
import { startDirectoryServer, type DirectoryServer } from '../testing/directory-server.ts';
import { ADMIN, startGateway, type RunningGateway } from '../testing/running-gateway.ts';

const ROOT = '91eb05e5c68d7ca05e7618b6821d2d16';
const LIMIT = { timeout: 60_000 };

let redis: RedisServer;
let server: DirectoryServer;
let passwordHash: string;
before(async () => {
  redis = await startRedis();
  passwordHash = await hashPassword(ADMIN.password);
  server = await startDirectoryServer(document('one'));
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await redis.stop();
});

/** The root account with its user, and some accounts below it. */
function document(...names: readonly string[]): string {
  const root = { id: ROOT, name: 'admin', realm: 'admin.sip.example.com' };
  const below = names.map((id) => ({ id, name: id, realm: `${id}.example.com`, parent: ROOT }));
  return JSON.stringify({ accounts: [root, ...below], users: [{ username: 'admin', account: ROOT, passwordHash }] });
}

const start = (name: string) => startGateway({ redisUrl: redis.url, name, directoryServer: server });
const mayAsk = async (running: RunningGateway, account: string) =>
  (await running.login({ ...ADMIN, accounts: [account] })).status === 200;
const inner = ({ gateway }: RunningGateway) => `http://127.0.0.1:${gateway.innerPort}`;
const readiness = async (running: RunningGateway) => {
  const answer = await fetch(`${inner(running)}/readyz`);
  const { checks } = (await answer.json()) as { checks: { directory: { detail: string } } };
  return { status: answer.status, detail: checks.directory.detail };
};
const metric = async (running: RunningGateway, name: string) => {
  const text = await (await fetch(`${inner(running)}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? ([0-9.e+-]+)$`, 'm').exec(text)?.[1]);
};

test('a push to one replica makes a change visible at all of them in less than a second', LIMIT, async () => {
  server.serve(document('one'));
  await using first = await start('pushed');
  await using second = await first.another();
  // The second replica has processed the earlier pushes.
  await until('both replicas ready', async () => (await readiness(second)).status === 200);
  for (const account of ['two', 'three']) {
    server.serve(document('one', account));
    const began = performance.now();
    assert.equal(await first.refreshDirectory(), 202);
    for (const replica of [first, second]) await until(`${account} at each replica`, () => mayAsk(replica, account));
    assert.ok(performance.now() - began < 3_000, 'a loaded machine; about 0.5 s on an idle one');
  }
  assert.equal(await metric(first, 'firehose_directory_accounts'), 3);
  assert.ok((await metric(second, 'firehose_directory_age_seconds')) < 10);
});

test(
  'S13: a replica that starts while the directory is away serves the last good one and says how old it is',
  LIMIT,
  async () => {
    server.serve(document('one', 'kept'));
    await using first = await start('kept');
    const token = await first.token();
    await until('the last good directory in Redis', () => isKept('kept'));
    await server.close();
    try {
      await using second = await first.another();
      assert.ok(await mayAsk(second, 'kept'));
      const client = await second.connect(`?token=${token}`);
      assert.equal((await second.ingest(event('kept'))).body['accepted'], 1);
      assert.match((await client.received(1))[0] ?? '', /CHANNEL_CREATE/);
      client.close();
      const { status, detail } = await readiness(second);
      assert.equal(status, 200);
      assert.match(detail, /stale: its server last confirmed it at \d{4}-.*\(directory_unreachable\)/);
      await server.open();
      assert.equal(await second.refreshDirectory(), 202);
      await until('a current directory', async () => !(await readiness(second)).detail.includes('stale'));
    } finally {
      await server.open().catch(() => undefined);
    }
  },
);

test('S13: a replica that starts while the directory is away has the changes that were told since', LIMIT, async () => {
  server.serve(document('one'));
  await using first = await start('changed');
  await using second = await first.another();
  await until('the last good directory in Redis', () => isKept('changed'));
  const added = { id: 'later', name: 'later', realm: 'later.example.com', parent: ROOT };
  server.change(document('one', 'later'), `${JSON.stringify(added)}\n`);
  assert.equal(await first.refreshDirectory(), 202);
  for (const replica of [first, second]) await until('the change at each replica', () => mayAsk(replica, 'later'));
  server.change(document('later'), `${JSON.stringify({ removed: { id: 'one' } })}\n`);
  assert.equal(await second.refreshDirectory(), 202);
  for (const replica of [first, second]) {
    await until(
      'two accounts at each replica',
      async () => (await metric(replica, 'firehose_directory_accounts')) === 2,
    );
  }
  await server.close();
  try {
    // A replica keeps a change in Redis after it has put it in force.
    await until('a replica that starts with both changes', async () => {
      await using third = await first.another();
      assert.match((await readiness(third)).detail, /\(directory_unreachable\)/);
      return (await mayAsk(third, 'later')) && !(await mayAsk(third, 'one'));
    });
  } finally {
    await server.open();
  }
});

test('S13: what another has put into Redis is not taken for the last good directory', LIMIT, async () => {
  server.serve(document('one'));
  await using first = await start('forged');
  await using other = await start('foreign');
  await until('both kept', async () => (await isKept('forged')) && (await isKept('foreign')));
  const client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  const key = (name: string) => resourceKeys('firehose:', `default/${name}`).directory;
  try {
    await until('a connection to Redis', () => client.status === 'ready');
    await server.close();
    // Of another resource, with its keys; of this resource, with another body.
    const foreign = await client.hgetallBuffer(key('foreign'));
    const own = await client.hgetallBuffer(key('forged'));
    for (const fields of [foreign, { ...own, body: Buffer.from('nonsense') }, { ...own, head: 'nonsense' }]) {
      await client.hset(key('forged'), fields);
      await assert.rejects(first.another(), /spec\.auth\.directory\.http.*cannot be asked/);
    }
    await client.hset(key('forged'), own);
    await using started = await first.another();
    assert.equal((await readiness(started)).status, 200);
    assert.equal((await other.login(ADMIN)).status, 200);
  } finally {
    client.disconnect();
    await server.open().catch(() => undefined);
  }
});

test('the last good directory guards a new replica against one that shrank', LIMIT, async () => {
  server.serve(document('one', 'two', 'three', 'four'));
  await using first = await start('shrunk');
  await until('the last good directory in Redis', () => isKept('shrunk'));
  server.serve(document());
  await using second = await first.another();
  assert.ok(await mayAsk(second, 'four'));
  assert.match((await readiness(second)).detail, /\(directory_shrunk\)/);
});

test('the refresh endpoint takes the token of the directory and of administrators, and no other', LIMIT, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-token-'));
  await writeFile(join(folder, 'token'), 'of-the-directory\n');
  const environment = { FIREHOSE_DIRECTORY_TOKEN_FILE: join(folder, 'token') };
  await using running = await startGateway({
    redisUrl: redis.url,
    name: 'tokens',
    directoryServer: server,
    environment,
  });
  const ask = async (token: string, method = 'POST') => {
    const answer = await fetch(`${inner(running)}${DIRECTORY_REFRESH_PATH}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
    });
    return answer.status;
  };
  assert.deepEqual(
    [await ask('of-the-directory'), await ask('another'), await ask(await running.token())],
    [202, 401, 401],
  );
  assert.equal(await ask('of-the-directory', 'GET'), 405);
  await rm(folder, { recursive: true });
  assert.equal(await ask('of-the-directory'), 401);
  assert.equal(await running.refreshDirectory(), 202);
  await using ofFile = await startGateway({ redisUrl: redis.url, name: 'file' });
  assert.equal(await ofFile.refreshDirectory(), 404);
});

async function isKept(name: string): Promise<boolean> {
  const client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  try {
    await until('a connection to Redis', () => client.status === 'ready');
    return (await client.exists(resourceKeys('firehose:', `default/${name}`).directory)) === 1;
  } finally {
    client.disconnect();
  }
}

function event(account: string): string {
  return JSON.stringify({ 'Event-Name': 'CHANNEL_CREATE', 'Call-ID': 'c', 'Account-ID': account });
}
