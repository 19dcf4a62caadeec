import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressCosts, NO_ADDRESS } from './address-costs.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';

/** Whether each of these logins, one every `everyMs`, found its address in debt. */
function logins(costs: AddressCosts, count: number, everyMs: number, streamToo = false): boolean[] {
  return Array.from({ length: count }, (_, at) => {
    const now = at * everyMs;
    const wasInDebt = costs.isInDebt(A, now);
    costs.connectionBegan(A, now);
    if (streamToo) costs.streamOpened(A, now);
    return wasInDebt;
  });
}

test('I15: logins without streams lead an address into debt, and no other one', () => {
  const costs = new AddressCosts(() => true);
  const inDebt = logins(costs, 100, 40);
  assert.ok(inDebt.indexOf(true) >= 16, 'an address has some logins at once');
  assert.ok(inDebt.at(-1));
  assert.equal(costs.isInDebt(B, 4_000), false);
});

test('two logins a second are never in debt, nor is a crowd that opens a stream after each login', () => {
  assert.ok(!logins(new AddressCosts(() => true), 10_000, 500).includes(true));
  assert.ok(!logins(new AddressCosts(() => true), 5_000, 1, true).includes(true));
});

test('a stream that ends soon has paid for nothing, and a longer one has', () => {
  for (const [lastedMs, expected] of [
    [1_100, true],
    [29_999, true],
    [30_000, false],
  ] as const) {
    const costs = new AddressCosts(() => true);
    for (let at = 0; at < 100; at += 1) {
      costs.connectionBegan(A, 0);
      costs.streamOpened(A, 0);
      costs.streamEnded(A, lastedMs, 0);
    }
    assert.equal(costs.isInDebt(A, 0), expected, `${lastedMs} ms`);
  }
});

test('a debt has a limit, so that it ends in bounded time, and the address is then forgotten (I10)', () => {
  const costs = new AddressCosts(() => true);
  for (let at = 0; at < 10_000; at += 1) costs.connectionBegan(A, 0);
  assert.equal(costs.isInDebt(A, 8_000), true);
  assert.equal(costs.isInDebt(A, 8_300), false);
  assert.equal(costs.size, 1);
  costs.connectionBegan(B, 200_000);
  assert.equal(costs.size, 1);
  for (let at = 0; at < 50_000; at += 1) costs.connectionBegan(`a${at}`, 300_000);
  assert.ok(costs.size <= 20_001);
});

test('nobody is in debt while no events flow', () => {
  let doFlow = false;
  const costs = new AddressCosts(() => doFlow);
  for (let at = 0; at < 100; at += 1) costs.requestAnswered(A, 0);
  assert.equal(costs.isInDebt(A, 0), false);
  doFlow = true;
  assert.equal(costs.isInDebt(A, 0), true);
});

test('connections of trusted proxies are never in debt, and an IPv6 network is one address', () => {
  const costs = new AddressCosts(() => true);
  for (let at = 0; at < 100; at += 1) costs.requestAnswered(NO_ADDRESS, 0);
  assert.equal(costs.isInDebt(NO_ADDRESS, 0), false);
  for (let at = 0; at < 100; at += 1) costs.connectionBegan(`2001:db8::${at.toString(16)}`, 0);
  assert.equal(costs.isInDebt('2001:db8::ffff', 0), true);
});
