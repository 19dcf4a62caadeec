import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { STREAM_PATH } from '../../protocol/paths.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { Refused, startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';
import { spawnReplica } from '../testing/spawned-replica.ts';
import { until } from '../../testing/until.ts';

const OPERATOR = { username: 'operator', password: 'operatorpassword', domain: 'north' };

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

/** An open connection, or null when the quota is used up; anything else is a failure. */
async function tryToConnect(on: RunningGateway, token: string): Promise<Client | null> {
  try {
    return await on.connect(`?token=${token}`);
  } catch (error) {
    assert.ok(error instanceof Refused, String(error));
    assert.deepEqual([error.status, error.code], [429, 'account_quota']);
    return null;
  }
}

test(
  '500 upgrades at once over three replicas with a quota of 100: exactly 100 are let in, and places come back',
  { timeout: 120_000 },
  async () => {
    await using one = await startGateway({
      redisUrl: redis.url,
      name: 'many',
      plain: true,
      connections: { maxPerAccount: 100 },
    });
    await using two = await one.another();
    await using three = await one.another();
    const replicas = [one, two, three];
    const token = await one.token();
    const attempts = Array.from({ length: 500 }, (_, n) => tryToConnect(replicas[n % 3] as RunningGateway, token));
    const open = (await Promise.all(attempts)).filter((client) => client !== null);
    assert.equal(open.length, 100);
    // Another account, below this one, has a quota of its own.
    const other = await tryToConnect(two, String((await two.login(OPERATOR)).body['access_token']));
    assert.notEqual(other, null);
    assert.equal(await tryToConnect(three, token), null);
    for (const client of open.slice(0, 10)) client.close();
    const again: Client[] = [];
    await until('10 connections accepted again', async () => {
      const client = await tryToConnect(three, token);
      if (client !== null) again.push(client);
      return again.length === 10;
    });
    assert.equal(await tryToConnect(one, token), null);
    for (const client of [...open, ...again]) client.close();
  },
);

test('an upgrade that is refused or that its client gives up takes no place', { timeout: 60_000 }, async () => {
  const connections = { maxPerAccount: 2, maxPerReplica: 1 };
  await using running = await startGateway({ redisUrl: redis.url, name: 'refused', plain: true, connections });
  await using second = await running.another();
  const token = await running.token();
  const first = await running.connect(`?token=${token}`);
  for (let n = 0; n < 20; n += 1) {
    await assert.rejects(
      running.connect(`?token=${token}`),
      (error) => error instanceof Refused && error.code === 'too_many_connections',
    );
    const url = `ws://127.0.0.1:${running.gateway.port}${STREAM_PATH}?token=${token}`;
    const leaves = new WebSocket(url);
    leaves.on('error', () => undefined);
    leaves.terminate();
  }
  await until('a connection accepted', async () => {
    const client = await tryToConnect(second, token);
    return client !== null;
  });
  first.close();
});

test(
  'a replica that is killed with -9 leaves no place taken: they come back within 30 s',
  { timeout: 120_000 },
  async (t) => {
    await using running = await startGateway({
      redisUrl: redis.url,
      name: 'killed',
      plain: true,
      connections: { maxPerAccount: 3 },
    });
    await using killed = await spawnReplica(running, redis.url);
    const token = await running.token();
    const stays = await running.connect(`?token=${token}`);
    const sockets = [1, 2].map(() => new WebSocket(`ws://127.0.0.1:${killed.port}${STREAM_PATH}?token=${token}`));
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('open', resolve))));
    assert.equal(await tryToConnect(running, token), null);
    const gone = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    await Promise.all([killed.kill(), ...gone]);
    const start = performance.now();
    const won: Client[] = [];
    await until('2 connections accepted', async () => {
      const client = await tryToConnect(running, token);
      if (client !== null) won.push(client);
      return won.length === 2;
    });
    t.diagnostic(`both places came back ${Math.round((performance.now() - start) / 1_000)} s after the kill`);
    assert.equal(await tryToConnect(running, token), null);
    for (const client of [stays, ...won]) client.close();
  },
);

test(
  'by default one user and one account leave room for others, over TLS and two replicas',
  { timeout: 60_000 },
  async () => {
    const connections = { maxPerReplica: 12 };
    await using one = await startGateway({ redisUrl: redis.url, name: 'default-quota', connections });
    await using two = await one.another();
    const replicas = [one, two];
    const token = await one.token();
    const open: Client[] = [];
    const codes = new Set<string>();
    for (let at = 0; at < 12; at += 1) {
      try {
        open.push(await (replicas[at % 2] as RunningGateway).connect(`?token=${token}`));
      } catch (error) {
        assert.ok(error instanceof Refused, String(error));
        codes.add(`${error.status} ${error.code}`);
      }
    }
    assert.deepEqual([open.length, [...codes]], [3, ['429 user_quota']]);
    open.push(await two.connect(`?token=${String((await two.login(OPERATOR)).body['access_token'])}`));
    for (const client of open) client.close();
  },
);
