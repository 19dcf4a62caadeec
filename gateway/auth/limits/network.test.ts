import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from './network.ts';

test('IPv6 addresses of one /64 are one, a mapped IPv4 address is itself', () => {
  assert.equal(networkOf('2001:db8:1:2:3::4'), networkOf('2001:db8:1:2::'));
  assert.notEqual(networkOf('2001:db8:1:2::'), networkOf('2001:db8:1:3::'));
  assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(networkOf('fe80::1%eth0'), networkOf('fe80::2'));
  assert.equal(networkOf('nonsense'), 'unknown');
});
