import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashPassword } from '../auth/password.ts';
import { LOGIN_PATH } from '../../protocol/paths.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { ADMIN, startGateway, type RunningGateway } from '../testing/running-gateway.ts';

const ADDRESSES = 20;
const EACH = 50;

/** A separate client host: on Linux every address of 127.0.0.0/8 is local. */
function clientAt(running: RunningGateway, ca: string, localAddress: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: EACH, ca });
  const send = (method: string, path: string, body: string) =>
    new Promise<{ status: number; retryAfter: string | undefined }>((resolve, reject) => {
      const target = { host: '127.0.0.1', port: running.gateway.port, path, method, agent, localAddress };
      const call = request(target, (response) => {
        response.resume().once('end', () => {
          resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
        });
      });
      call.once('error', reject).end(body);
    });
  return {
    login: (body: object) => send('POST', LOGIN_PATH, JSON.stringify(body)),
    /** Opens this many connections, so that the measurement contains no TLS handshake. */
    open: (count: number) => Promise.all(Array.from({ length: count }, () => send('GET', '/', ''))),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

const onLinux = { skip: process.platform !== 'linux' && 'only Linux has all of 127.0.0.0/8', timeout: 120_000 };

test(
  'I15: a login beside 1,000 hostile ones from 20 addresses waits for one of each, over TLS and two replicas',
  onLinux,
  async (t) => {
    await using redis = await startRedis();
    await using one = await startGateway({ redisUrl: redis.url });
    await using two = await one.another();
    const ca = await readFile(join(one.stateFolder, 'ca.crt'), 'utf8');
    await using stack = new AsyncDisposableStack();
    const hosts = Array.from({ length: ADDRESSES }, (_, at) => {
      return stack.use(clientAt(at % 2 === 0 ? one : two, ca, `127.0.1.${at + 1}`));
    });
    const victim = stack.use(clientAt(one, ca, '127.0.2.1'));
    await victim.open(1);
    for (const host of hosts) await host.open(EACH);

    let judged = 0;
    const statuses = new Map<number, number>();
    const hostile = hosts.flatMap((host, address) =>
      Array.from({ length: EACH }, async (_, at) => {
        const { status, retryAfter } = await host.login({
          ...ADMIN,
          username: `hostile-${address}-${at}`,
          password: 'x',
        });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 401) judged += 1;
        else assert.ok(Number(retryAfter) > 0, `${status}`);
      }),
    );
    const start = performance.now();
    const { status } = await victim.login({ username: 'operator', password: 'operatorpassword', domain: 'north' });
    const [before, ms] = [judged, Math.round(performance.now() - start)];
    await Promise.all(hostile);
    t.diagnostic(`the victim logged in after ${ms} ms and ${before} hostile ones; ${JSON.stringify([...statuses])}`);
    assert.equal(status, 200);
    assert.ok(before <= 4 * ADDRESSES, `${before} of 1,000 hostile logins were judged first`);
  },
);

test('T11: 200 honest logins at once are all served, of one user or of 200', { timeout: 120_000 }, async (t) => {
  const passwordHash = await hashPassword('sesame');
  const users = Array.from({ length: 200 }, (_, at) => ({ username: `user-${at}`, account: 'acme', passwordHash }));
  const directory = JSON.stringify({
    accounts: [
      { id: '91eb05e5c68d7ca05e7618b6821d2d16', name: 'admin', realm: 'a' },
      { id: 'acme', name: 'acme', realm: 'r', parent: '91eb05e5c68d7ca05e7618b6821d2d16' },
    ],
    users,
  });
  await using redis = await startRedis();
  await using running = await startGateway({ redisUrl: redis.url, directory });
  const ca = await readFile(join(running.stateFolder, 'ca.crt'), 'utf8');
  using client = clientAt(running, ca, '127.0.0.1');
  for (const userOf of [() => 0, (at: number) => at]) {
    const start = performance.now();
    const answers = await Promise.all(
      users.map((_, at) => client.login({ username: `user-${userOf(at)}`, password: 'sesame', domain: 'acme' })),
    );
    t.diagnostic(`200 logins took ${Math.round(performance.now() - start)} ms`);
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  }
});
