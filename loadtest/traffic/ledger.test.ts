import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ledger, type Scope } from './ledger.ts';
import { accountOf, CYCLE, decodeNumbering, encodeNumbering, nameOf } from './numbering.ts';

const ALL: Scope = { calls: 2, owesCall: () => true, names: null, isFromStart: true };

/** The events of a call as a producer numbers them: `cycles` of them and the marked one. */
function* events(call: number, cycles = 1) {
  for (let n = 1; n <= (cycles + 1) * CYCLE; n += 1) yield { call, n, isLast: n > cycles * CYCLE };
}

function account(scope: Scope, arrivals: Iterable<{ call: number; n: number; isLast: boolean }>) {
  const ledger = new Ledger(scope);
  const verdicts = [...arrivals].map((one) => ledger.take(one));
  const faults = verdicts.filter((verdict) => verdict !== 'next');
  return { faults, lost: ledger.lost, isComplete: ledger.isComplete };
}

const SOUND = { faults: [], lost: 0, isComplete: true };

describe('the ledger of one consumer', () => {
  test('a run in which everything comes once and in order has no fault, calls mixed or not', () => {
    assert.deepEqual(account(ALL, [...events(0), ...events(1)]), SOUND);
    const [first, second] = [[...events(0)], [...events(1)]];
    assert.deepEqual(
      account(
        ALL,
        first.flatMap((one, index) => [one, ...second.slice(index, index + 1)]),
      ),
      SOUND,
    );
  });

  test('an event that never comes is lost, in the midst, at the start and at the end', () => {
    for (const missing of [1, 5, 2 * CYCLE]) {
      const rest = [...events(0)].filter(({ n }) => n !== missing);
      const { faults, lost } = account(ALL, [...rest, ...events(1)]);
      assert.deepEqual([faults, lost], [[], 1], `number ${missing}`);
    }
  });

  test('a call that never comes at all is lost', () => {
    assert.deepEqual(account(ALL, events(0)), { faults: [], lost: 1, isComplete: false });
  });

  test('who came later is owed what follows the first that it got', () => {
    const later = [...events(0, 3)].slice(CYCLE + 2);
    assert.deepEqual(account({ ...ALL, calls: 1, isFromStart: false }, later), SOUND);
    assert.equal(account({ ...ALL, calls: 1 }, later).lost, CYCLE + 2);
  });

  test('the same event twice is doubled', () => {
    const twice = [...events(0)].flatMap((one) => (one.n === 4 ? [one, one] : [one]));
    assert.deepEqual(account({ ...ALL, calls: 1 }, twice), { ...SOUND, faults: ['doubled'] });
  });

  test('an event after a later one is inverted, and not lost', () => {
    const [first, second, ...rest] = events(0);
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual(account({ ...ALL, calls: 1 }, [second, first, ...rest]), { ...SOUND, faults: ['inverted'] });
  });

  test('what comes again after a resume is a repetition until something new came of its call', () => {
    const ledger = new Ledger({ ...ALL, calls: 1 });
    const [one, two, three] = events(0);
    assert.ok(one !== undefined && two !== undefined && three !== undefined);
    for (const event of [one, two]) ledger.take(event);
    ledger.resumed();
    assert.deepEqual([ledger.take(two), ledger.take(three), ledger.take(two)], ['repeated', 'next', 'doubled']);
  });

  test('under a filter the numbers of its names are owed and no others', () => {
    const scope: Scope = { ...ALL, calls: 1, names: new Set(['CHANNEL_CREATE', 'DTMF']) };
    const owed = [...events(0, 4)].filter(({ n }) => scope.names?.has(nameOf(n)));
    assert.deepEqual(account(scope, owed), SOUND);
    assert.equal(account(scope, owed.toSpliced(3, 1)).lost, 1);
    assert.deepEqual(account(scope, events(0, 1)).faults.length, 2 * CYCLE - 4);
  });

  test('a call of another account is foreign', () => {
    const scope: Scope = { ...ALL, owesCall: (call) => accountOf(call, ['a', 'b']) === 'a' };
    assert.deepEqual(account(scope, events(0)), SOUND);
    assert.equal(account(scope, events(1)).faults[0], 'foreign');
    assert.equal(account(scope, events(7)).faults[0], 'foreign');
  });
});

test('a numbering is read back from the text of an event, whatever stands around it', () => {
  const numbering = { run: 'r1', call: 3, n: 17, isLast: true, sentAt: 1_700_000_000_123, phase: 'calm' };
  const text = `{"a":"\\"Load-Test\\":","b":1,${encodeNumbering(numbering)},"_firehose":{"id":"x"}}`;
  assert.deepEqual(decodeNumbering(text), numbering);
  assert.equal(decodeNumbering('{"Event-Name":"DTMF"}'), null);
});
