import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressAllowance, networkOf } from './address-allowance.ts';

test('an address has its burst, then so many a second; another address is not touched', () => {
  const allowance = new AddressAllowance({ burst: 5, perSecond: 2 });
  const take = (now: number, address = '192.0.2.1') => allowance.take(address, now);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7].map(() => take(0)),
    [true, true, true, true, true, false, false],
  );
  assert.ok(take(0, '192.0.2.2'));
  assert.deepEqual([take(499), take(500), take(501)], [false, true, false]);
  allowance.giveBack('192.0.2.1', 501);
  assert.ok(take(501));
  // A clock that steps back adds no tokens.
  assert.equal(take(0), false);
});

test('an address that is quiet is forgotten, and so are the oldest of very many (I10)', () => {
  const allowance = new AddressAllowance({ burst: 5, perSecond: 1 });
  for (let n = 0; n < 1_000; n += 1) allowance.take(`10.0.${n >> 8}.${n & 255}`, 0);
  assert.equal(allowance.size, 1_000);
  for (let n = 0; n < 1_000; n += 1) allowance.take('192.0.2.1', 10_000 + n);
  assert.equal(allowance.size, 1);
  for (let n = 0; n < 50_000; n += 1) allowance.take(`a${n}`, 20_000);
  assert.ok(allowance.size <= 20_001);
});

test('a network of 64 bits is one address, and IPv4 in IPv6 is IPv4', () => {
  assert.equal(networkOf('2001:db8:1:2:3::4'), networkOf('2001:db8:1:2:ffff::'));
  assert.notEqual(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'));
  assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(networkOf('unknown'), 'unknown');
});
