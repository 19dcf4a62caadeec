import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { connectionOf } from '../../runtime/redis/connection.ts';
import { infoFields } from '../../runtime/redis/info.ts';
import { createRedisPool } from './redis-pool.ts';
import { factsOf } from './server-facts.ts';

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
