import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deedOf, GroupLedger } from './group-attempts.ts';

const CYCLE = 2;
const event = (n: number, attempt = 1, call = 0) => ({ call, n, attempt, isLast: n > 2 });

function ledgerAfter(...settled: number[]): GroupLedger {
  const ledger = new GroupLedger(1, CYCLE);
  for (const n of settled) {
    assert.equal(ledger.take(event(n)), 'next');
    ledger.settle(event(n));
  }
  return ledger;
}

describe('the ledger of a durable group', () => {
  test('each event once, settled before the next, is sound', () => {
    const ledger = ledgerAfter(1, 2, 3, 4);
    assert.deepEqual([ledger.isComplete, ledger.lost, ledger.settled], [true, 0, 4]);
  });

  test('another attempt at what is not settled is no fault, a second first attempt is', () => {
    const ledger = ledgerAfter(1);
    assert.deepEqual(
      [ledger.take(event(2)), ledger.take(event(2, 2)), ledger.take(event(2))],
      ['next', 'again', 'doubled'],
    );
  });

  test('what is settled never comes again, unless the connection that settled it died', () => {
    const ledger = ledgerAfter(1, 2);
    assert.equal(ledger.take(event(2, 2)), 'doubled');
    ledger.died(['0:2']);
    assert.deepEqual([ledger.take(event(2, 2)), ledger.take(event(2, 1))], ['repeated', 'doubled']);
  });

  test('the next event of a call before the one before is settled has passed it over', () => {
    const ledger = ledgerAfter(1);
    assert.equal(ledger.take(event(2)), 'next');
    assert.equal(ledger.take(event(3)), 'next');
    assert.equal(ledger.lost, 2, 'the second event, and the end that has not come');
    assert.equal(ledger.take(event(2, 2)), 'inverted');
    assert.equal(ledger.lost, 1);
  });

  test('what is always refused may have had its last attempt at a connection that died before it saw it', () => {
    const refused = 13;
    assert.equal(deedOf(0, refused), 'nack_always');
    const ledger = new GroupLedger(1, CYCLE);
    const of = (n: number) => ({ ...event(n), isLast: n > refused });
    for (let n = 1; n < refused; n += 1) {
      ledger.take(of(n));
      ledger.settle(of(n));
    }
    assert.equal(ledger.take(of(refused)), 'next');
    assert.equal(ledger.reached(0), refused, 'the dead letters have to have it');
    assert.equal(ledger.take(of(refused + 1)), 'next');
    assert.equal(ledger.lost, 1, 'the end that has not come');
    ledger.settle(of(refused + 1));
    assert.deepEqual([ledger.isComplete, ledger.lost], [true, 0]);
  });

  test('an end that is refused for good is an end', () => {
    const refused = (call: number) => deedOf(call, CYCLE) === 'nack_always';
    const call = Array.from({ length: 97 }, (_, at) => at).find(refused) ?? 0;
    const ledger = new GroupLedger(call + 1, CYCLE);
    ledger.take(event(1, 1, call));
    ledger.settle(event(1, 1, call));
    assert.equal(ledger.lost, call + 1);
    ledger.take(event(CYCLE, 1, call));
    assert.equal(ledger.lost, call);
  });

  test('a call whose end never comes is lost', () => {
    assert.equal(ledgerAfter(1, 2, 3).lost, 1);
    assert.equal(new GroupLedger(3, CYCLE).lost, 3);
  });
});

test('among the events of a run there are some of each deed, and most are acknowledged', () => {
  const deeds = new Map<string, number>();
  for (let call = 0; call < 40; call += 1) {
    for (let n = 1; n <= 20; n += 1) deeds.set(deedOf(call, n), (deeds.get(deedOf(call, n)) ?? 0) + 1);
  }
  assert.deepEqual([...deeds.keys()].toSorted(), ['ack', 'nack_always', 'nack_once', 'term']);
  assert.ok((deeds.get('ack') ?? 0) > 600, String(deeds.get('ack')));
});
