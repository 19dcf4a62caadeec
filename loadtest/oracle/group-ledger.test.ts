import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupLedger, groupFaultsOf, type Link } from './group-ledger.ts';

const link = (): Link => ({ consumer: 'one', mishaps: [] });
const of = (n: number) => ({ call: 0, n });
const SOUND = { lost: 0, doubled: 0, inverted: 0, givenUpWrongly: 0, vain: 0, redelivered: 0, dead: 0 };
const account = (ledger: GroupLedger, count: number) => ledger.account([count], [], 2);

test('what is handled in order is sound', () => {
  const ledger = new GroupLedger();
  const one = link();
  for (const n of [1, 2]) {
    ledger.arrive(of(n), one, n);
    ledger.handle(of(n), one, n);
  }
  assert.deepEqual(account(ledger, 2), { owed: 2, ...SOUND });
  assert.deepEqual(groupFaultsOf('default', account(ledger, 2)), []);
});

test('what arrived and was not handled is lost', () => {
  const ledger = new GroupLedger();
  ledger.arrive(of(1), link(), 1);
  assert.equal(account(ledger, 1).lost, 1);
});

test('delivered again is doubled, unless the connection that had it came to grief', () => {
  const ledger = new GroupLedger();
  const [one, other] = [link(), link()];
  for (const n of [1, 2, 3]) {
    ledger.arrive(of(n), one, n);
    if (n < 3) ledger.handle(of(n), one, n);
  }
  ledger.arrive(of(1), other, 10);
  ledger.handle(of(1), other, 10);
  assert.deepEqual([account(ledger, 3).doubled, account(ledger, 3).redelivered], [1, 0]);
  one.mishaps.push({ from: 11, to: 11 });
  ledger.arrive(of(2), other, 12);
  ledger.arrive(of(3), other, 12);
  assert.deepEqual([account(ledger, 3).doubled, account(ledger, 3).redelivered], [1, 2]);
});

test('a mishap explains nothing that was acknowledged long before it', () => {
  const ledger = new GroupLedger();
  const one = link();
  ledger.arrive(of(1), one, 0);
  ledger.handle(of(1), one, 0);
  one.mishaps.push({ from: 60_000, to: 60_000 });
  ledger.arrive(of(1), link(), 60_001);
  assert.equal(account(ledger, 1).doubled, 1);
});

test('an event before an earlier one of its call is settled is inverted, unless that is a dead letter', () => {
  const ledger = new GroupLedger();
  const one = link();
  ledger.arrive(of(1), one, 1);
  ledger.refuse(of(1), one, 1);
  ledger.arrive(of(2), one, 2);
  assert.equal(account(ledger, 2).inverted, 1);
  const letter = { eventId: '0:1', reason: 'max_deliver', attempts: 2 };
  assert.deepEqual({ ...ledger.account([2], [letter], 2), lost: 0 }, { owed: 2, ...SOUND, dead: 1 });
  ledger.arrive(of(1), one, 3);
  assert.equal(ledger.account([2], [letter], 2).inverted, 1);
});

test('a dead letter that was handled, that nobody refused, or after too few attempts is a fault', () => {
  const ledger = new GroupLedger();
  const one = link();
  for (const n of [1, 2, 3]) ledger.arrive(of(n), one, n);
  ledger.handle(of(1), one, 4);
  ledger.refuse(of(3), one, 4);
  const letters = [1, 2, 3].map((n) => ({ eventId: `0:${n}`, reason: 'max_deliver', attempts: n === 3 ? 1 : 2 }));
  assert.equal(ledger.account([3], letters, 2).givenUpWrongly, 3);
});

test('an acknowledgement that was refused is a fault on a connection that is well', () => {
  const ledger = new GroupLedger();
  const one = link();
  ledger.inVain(one);
  one.mishaps.push({ from: 0, to: 1 });
  ledger.inVain(one);
  assert.equal(account(ledger, 0).vain, 1);
});
