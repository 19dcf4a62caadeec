import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cursors } from '../testing/cursors.ts';
import { entryOf } from '../testing/entries.ts';
import { buildRound, type Round } from './round.ts';
import { Tail } from './tail.ts';

const BYTES = 10_000;

/** Rounds of one event that is about a tenth of the tail. */
function round(number: number): Round {
  const data = JSON.stringify({ filler: 'x'.repeat(BYTES / 10) });
  return buildRound({ number, epoch: 'e', from: [`${number}-0`], cursors }, [
    entryOf({ sequence: number, account: 'a', data }),
  ]);
}

test('I10: what was sealed of a round is let go when the round leaves the tail', () => {
  const tail = new Tail(BYTES);
  const unsealed: number[] = [];
  for (let number = 0; number < 100; number += 1) {
    const pushed = round(number);
    pushed.sealedBy.add({ unseal: () => void unsealed.push(number) });
    tail.push(pushed);
    const oldest = [...Array(number + 1).keys()].find((at) => tail.get(at) !== null) ?? 0;
    assert.deepEqual(unsealed, [...Array(oldest).keys()]);
  }
  assert.ok(unsealed.length > 80);
  tail.clear();
  assert.deepEqual(new Set(unsealed), new Set(Array(100).keys()));
});

test('the newest round stays, however large it is', () => {
  const tail = new Tail(1);
  for (let number = 0; number < 5; number += 1) {
    tail.push(round(number));
    assert.notEqual(tail.get(number), null);
    assert.equal(tail.get(number - 1), null);
  }
});
