import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ask } from '../../testing/redis-process.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { silentLogger } from '../logging/logger.ts';
import type { AddressPolicy } from '../net/address-guard.ts';
import { becomesReady, blockingClient, commandClient } from './client.ts';
import { connectionOf, type RedisConnection } from './connection.ts';
import { outageCode } from './outage.ts';

const LIMIT = { timeout: 60_000 };
const OPTIONS = { logger: silentLogger, name: 'test' };
const STRICT = { allowLoopback: false };
const LOCAL = { allowLoopback: true };
const METADATA = '169.254.169.254';

/** A listener that answers each command, and keeps what it received. */
async function listener(reply: (command: string) => string = () => '+OK\r\n') {
  const received: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      received.push(String(data));
      for (const command of String(data).split(/(?=^\*\d+\r\n)/m)) socket.write(reply(command));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, received, [Symbol.asyncDispose]: async () => void server.close() };
}

const guarded = (url: string, guard: AddressPolicy): RedisConnection => ({ ...connectionOf(url), guard });

/** The code of the outage that a client for commands reports. */
async function refusal(connection: RedisConnection): Promise<void> {
  const client = commandClient(connection, OPTIONS);
  try {
    await until('an outage', () => outageCode(client), {
      holds: (code) => code === 'ADDRESS_REFUSED',
      limitMs: 15_000,
    });
    // A cluster's client is ready once it knows the slots.
    if (connection.mode !== 'Cluster') assert.notEqual(client.status, 'ready');
  } finally {
    client.disconnect();
  }
}

for (const host of ['127.0.0.1', 'localhost', '127.1', '[::ffff:127.0.0.1]']) {
  test(`no byte reaches ${host} where loopback is refused, and a reading client says why`, LIMIT, async () => {
    await using server = await listener();
    for (const scheme of ['redis', 'rediss']) {
      const connection = guarded(`${scheme}://user:canary@${host}:${server.port}/2`, STRICT);
      await refusal(connection);
      const reader = blockingClient(connection, OPTIONS);
      await assert.rejects(reader.connect());
      assert.equal(outageCode(reader), 'ADDRESS_REFUSED');
      reader.disconnect();
    }
    assert.deepEqual(server.received, []);
  });
}

test('a Redis on this machine is used where loopback is allowed', LIMIT, async () => {
  await using redis = await startRedis();
  const client = commandClient(guarded(redis.url, LOCAL), OPTIONS);
  assert.ok(await becomesReady(client, 10_000));
  assert.equal(await client.set('key', 'value'), 'OK');
  client.disconnect();
});

test('a refused address that a sentinel names as the master is not connected to', LIMIT, async () => {
  await using sentinel = await listener((command) =>
    command.includes('get-master-addr') ? `*2\r\n$15\r\n${METADATA}\r\n$2\r\n80\r\n` : '+OK\r\n',
  );
  await refusal({
    ...guarded(`redis://127.0.0.1:${sentinel.port}`, LOCAL),
    mode: 'Sentinel',
    sentinel: { masterName: 'main', username: '', password: '' },
  });
  assert.match(sentinel.received.join(''), /get-master-addr-by-name/);
});

test('a sentinel at a refused address gets no byte', LIMIT, async () => {
  await using sentinel = await listener();
  await refusal({
    ...guarded(`redis://127.0.0.1:${sentinel.port}`, STRICT),
    mode: 'Sentinel',
    sentinel: { masterName: 'main', username: 'user', password: 'canary' },
  });
  assert.deepEqual(sentinel.received, []);
});

test('a refused address that a cluster names as a node is not connected to', LIMIT, async () => {
  await using node = await startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', METADATA] });
  await ask(node.port, ['cluster', 'addslotsrange', 0, 16_383]);
  await refusal({ ...guarded(node.url, LOCAL), mode: 'Cluster' });
});
