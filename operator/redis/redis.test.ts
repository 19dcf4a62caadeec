import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { connectionOf } from '../../runtime/redis/connection.ts';
import { infoFields } from '../../runtime/redis/info.ts';
import { isRefusedAddress, judgeHost } from './address-guard.ts';
import { createRedisPool } from './redis-pool.ts';
import { factsOf } from './server-facts.ts';

const INSIDE = { allowLoopback: false };

test('link-local, metadata, loopback and unspecified addresses are refused in every spelling', async () => {
  const refused = [
    '169.254.169.254',
    '169.254.0.1',
    '::ffff:169.254.169.254',
    'fe80::1',
    'fd00:ec2::254',
    '100.100.100.200',
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    '255.255.255.255',
    'nonsense',
  ];
  for (const address of refused) assert.ok(isRefusedAddress(address, INSIDE), address);
  for (const host of ['[fe80::1]', '169.254.169.254', 'localhost']) {
    assert.equal(await judgeHost(host, INSIDE), 'refused', host);
  }
});

test('addresses of clusters and of the world are allowed', () => {
  for (const address of ['10.0.0.7', '192.168.1.2', '172.20.3.4', 'fd12:3456::1', '203.0.113.9', '2001:db9::1']) {
    assert.ok(!isRefusedAddress(address, INSIDE), address);
  }
  assert.ok(!isRefusedAddress('127.0.0.1', { allowLoopback: true }));
});

test('a host that must not be connected to is final, and repeats nothing', async () => {
  await using pool = createRedisPool({ logger: silentLogger, allowLoopback: false });
  const hosts = ['169.254.169.254', '127.1', '[::ffff:a9fe:a9fe]', 'localhost', '0x7f000001', '10.0.0.1,169.254.0.9'];
  for (const host of hosts) {
    const outcome = await pool.connect({ ...connectionOf('redis://:canary@host'), nodes: nodesOf(host) });
    assert.ok(!outcome.ok && outcome.isFinal, host);
    assert.doesNotMatch(outcome.message, /canary|169/);
  }
  assert.equal(pool.size, 0);
});

test(
  'an address that is found to be refused once it is connected to gets the handshake, and nothing else',
  { timeout: 30_000 },
  async () => {
    await using server = createServer();
    let received = '';
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.on('close', () => close());
      socket.on('data', (data) => {
        received += String(data);
        socket.write('+OK\r\n'.repeat(String(data).split('*').length - 1));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    // As if the name had led elsewhere when it was asked for.
    const rules = { logger: silentLogger, allowLoopback: true };
    await using pool = createRedisPool(rules);
    const connecting = pool.connect(connectionOf(`redis://user:word@127.0.0.1:${port}/2`));
    rules.allowLoopback = false;
    const outcome = await connecting;
    assert.ok(!outcome.ok && outcome.reason === 'RedisUnreachable');
    await closed;
    const commands = [...received.matchAll(/^\*\d+\r\n\$\d+\r\n(\w+)/gm)].map(([, name]) => name);
    assert.deepEqual(commands, ['auth', 'select', 'client'].slice(0, commands.length));
  },
);

function nodesOf(hosts: string) {
  return hosts.split(',').map((host) => ({ host: host.replace(/^\[|\]$/g, ''), port: 6_379 }));
}

test('version and persistence are read from what the server says', () => {
  const info = (text: string) => infoFields(text.split('\n').join('\r\n'));
  assert.deepEqual(factsOf(info('redis_version:7.0.15\naof_enabled:1'), ''), {
    version: '7.0.15',
    persistence: 'AOF',
    isSupported: true,
  });
  assert.equal(factsOf(info('redis_version:7.2.4\nvalkey_version:8.0.1'), '3600 1').version, 'Valkey 8.0.1');
  assert.equal(factsOf(info('redis_version:7.2.4\naof_enabled:0'), '3600 1').persistence, 'RDB');
  assert.equal(factsOf(info('redis_version:7.2.4\naof_enabled:0'), '').persistence, 'None');
  assert.equal(factsOf(info('redis_version:7.2.4\naof_enabled:0'), null).persistence, 'Unknown');
  assert.ok(!factsOf(info('redis_version:6.2.14'), '').isSupported);
});
