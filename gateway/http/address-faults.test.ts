import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressFaults } from './address-faults.ts';

test('an address is slowed down by more than 20 faults, and by no fault of another one', () => {
  const faults = new AddressFaults();
  for (let fault = 0; fault < 19; fault += 1) faults.note('192.0.2.1', 0);
  assert.equal(faults.isSlowedDown('192.0.2.1', 0), false);
  faults.note('192.0.2.1', 0);
  assert.equal(faults.isSlowedDown('192.0.2.1', 0), true);
  assert.equal(faults.isSlowedDown('192.0.2.2', 0), false);
  assert.equal(faults.isSlowedDown('192.0.2.1', 5_000), false, 'one is forgotten in five seconds');
});

test('an IPv6 network is one address', () => {
  const faults = new AddressFaults();
  for (let fault = 0; fault < 20; fault += 1) faults.note(`2001:db8::${fault.toString(16)}`, 0);
  assert.equal(faults.isSlowedDown('2001:db8::ffff', 0), true);
});

test('a stream that is ended for its frames is five faults, a short one is one, any other is none', () => {
  const faults = new AddressFaults();
  const ended = (address: string, lastedMs: number, isAtFault: boolean, times: number) => {
    for (let time = 0; time < times; time += 1) faults.noteStream(address, { lastedMs, isAtFault }, 0);
    return faults.isSlowedDown(address, 0);
  };
  assert.deepEqual([ended('a', 5_000, true, 3), ended('a', 5_000, true, 1)], [false, true]);
  assert.deepEqual([ended('b', 10, false, 19), ended('b', 10, false, 1)], [false, true]);
  assert.equal(ended('c', 1_000, false, 1_000), false);
});
