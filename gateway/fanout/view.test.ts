import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cursors } from '../testing/cursors.ts';
import { entryOf } from '../testing/entries.ts';
import { buildRound } from './round.ts';
import { Encodings, PLAIN } from './encoding.ts';
import { Part } from './selection.ts';
import { View } from './view.ts';

const roundOf = (number: number) =>
  buildRound({ number, epoch: 'e', from: [`${number}-0`], cursors }, [entryOf({ sequence: number, account: 'a' })]);

test('I10: a round knows only those views that still keep something of it', () => {
  const encoding = new Encodings().hold(PLAIN);
  const view = new View('key', { account: 'a', accounts: null, events: null }, encoding);
  const selection = { parts: [new Part([0])], encoding };
  const [first, second] = [roundOf(0), roundOf(1)];
  view.seal(first, selection, 0);
  assert.notEqual(view.sealed(0, 0), null);
  view.seal(second, selection, 0);
  assert.equal(view.sealed(0, 0), null);
  assert.deepEqual([first.sealedBy.size, second.sealedBy.size], [0, 1]);
  view.unseal();
  assert.equal(view.sealed(1, 0), null);
  assert.equal(second.sealedBy.size, 0);
});
