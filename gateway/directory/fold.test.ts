import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { foldDomain, foldName } from './fold.ts';

test('composed and decomposed text is the same name, and so is another case', () => {
  assert.equal(foldName('Jose\u0301'), foldName('jos\u00e9'));
  assert.equal(foldName('JOS\u00c9'), foldName('jose\u0301'));
  assert.notEqual(foldName('jose'), foldName('jos\u00e9'));
});

test('a domain name is the same in Unicode and in ASCII (IDNA)', () => {
  for (const same of [
    'B\u00fccher.example',
    'bu\u0308cher.EXAMPLE',
    'XN--bcher-kva.example',
    'b\u00fccher\u3002example',
  ]) {
    assert.equal(foldDomain(same), 'xn--bcher-kva.example', same);
  }
});

test('a name that is no domain name is compared as a name', () => {
  assert.equal(foldDomain('Mu\u0308ller & S\u00f6hne'), foldDomain('M\u00dcLLER & S\u00d6HNE'));
  assert.equal(foldDomain('123'), '123');
  assert.equal(foldDomain('0x7b'), '0x7b');
  assert.equal(foldDomain('Acme: one'), 'acme: one');
});

test('folding twice is folding once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
      assert.equal(foldName(foldName(text)), foldName(text));
      assert.equal(foldDomain(foldDomain(text)), foldDomain(text));
    }),
    { numRuns: 5_000 },
  );
});
