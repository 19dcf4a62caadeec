import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nearMiss } from './near-miss.ts';

const KNOWN = ['accounts', 'events'];

test('slips of the keyboard and other spellings are near', () => {
  for (const word of ['acounts', 'account', 'Accounts', 'accounst', 'acc_ounts', 'acocunts', 'accounts_', 'akkounts']) {
    assert.equal(nearMiss(word, KNOWN), 'accounts', word);
  }
  for (const word of ['event', 'EVENTS', 'evnets', 'evetns', 'vents', 'eventss', 'event-s']) {
    assert.equal(nearMiss(word, KNOWN), 'events', word);
  }
});

test('other words are not', () => {
  for (const word of [
    'extra',
    'agents',
    'clients',
    'account_name',
    'device',
    '',
    'a',
    'x'.repeat(10_000),
    '__proto__',
  ]) {
    assert.equal(nearMiss(word, KNOWN), null, word.slice(0, 20));
  }
});

test('the nearest of several is meant', () => {
  assert.equal(nearMiss('CHANNEL_ANSWR', ['CHANNEL_CREATE', 'CHANNEL_ANSWER']), 'CHANNEL_ANSWER');
});

test('any one letter left out, added or swapped is near', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KNOWN), fc.nat(7), fc.constantFrom('drop', 'add', 'swap'), (word, place, how) => {
      const at = place % (word.length - 1);
      const head = word.slice(0, at);
      const [one = '', two = ''] = word.slice(at);
      const tail = word.slice(at + 2);
      const typed = { drop: head + two + tail, add: `${head}q${one}${two}${tail}`, swap: head + two + one + tail }[how];
      assert.equal(nearMiss(typed ?? '', KNOWN), word);
    }),
  );
});
