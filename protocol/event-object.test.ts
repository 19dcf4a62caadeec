import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MAX_EVENT_DEPTH, objectFault } from './event-object.ts';

const faultOf = (text: string) => objectFault(Buffer.from(text));

/** JSON.parse's verdict on the same text: the oracle. */
function expected(text: string): 'fine' | 'not_an_object' | 'reserved_key' {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'not_an_object';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not_an_object';
  return Object.hasOwn(value, '_firehose') ? 'reserved_key' : 'fine';
}

/** Both are poison: a reserved key may be found before a later fault. */
function agrees(text: string): void {
  const found = faultOf(text);
  const wanted = expected(text);
  if (found === 'reserved_key') assert.match(text, /_|\\/, text);
  if (wanted === 'fine') assert.equal(found, null, text);
  else if (wanted === 'reserved_key') assert.equal(found, 'reserved_key', text);
  else assert.notEqual(found, null, text);
}

const PIECES = [
  ['{', '}', '[', ']', ',', ':', '"', '\\', ' ', '\n', '\t', '\r', '\u0000', '\u001f', '\u007f', '\u00a0', '\ufeff'],
  ['true', 'false', 'null', 'nul', '0', '-0', '01', '1.', '.5', '-', '1e5', '1E+05', '2e', '1.5e-3', 'NaN'],
  ['"a"', '"_firehose"', '"\\u005ffirehose"', '"_fire\\u0068ose"', '"\\ud800"', '"\\x"', '"\\u12"', '"é😀"'],
  ['{}', '[]', '{"a":1}', '{"a":{"_firehose":1}}', '"a":', '"_firehose":', ',"b":[1,2,{"c":null}]'],
].flat();
const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((pieces) => pieces.join(''));
const object = fc.array(fc.constantFrom(...PIECES), { maxLength: 10 }).map((pieces) => `{${pieces.join('')}}`);
const changed = fc
  .tuple(fc.json({ maxDepth: 5 }), fc.nat(), fc.constantFrom(...PIECES), fc.boolean())
  .map(([value, at, piece, isCut]) => {
    const text = `{"a":${value},"b":${value}}`;
    const place = at % (text.length + 1);
    return text.slice(0, place) + piece + text.slice(isCut ? place + 1 : place);
  });
const sound = fc
  .dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 5 }))
  .chain((value) => fc.constantFrom(0, 2, '\t').map((space) => ` \n${JSON.stringify(value, null, space)}\r\t`));

describe('a scan of an event', () => {
  it('agrees with JSON.parse on every text', () => {
    const wellFormed = fc.oneof(soup, object, changed, sound, fc.json()).map((text) => text.toWellFormed());
    fc.assert(fc.property(wellFormed, agrees), { numRuns: 20_000 });
  });

  it('finds the reserved key in every spelling, at the top level alone', () => {
    for (const key of ['_firehose', '\\u005ffirehose', '\\u005Ffirehose', '_fire\\u0068ose', '_firehos\\u0065']) {
      assert.equal(faultOf(`{"a":[1,{}], "${key}" :1}`), 'reserved_key');
      assert.equal(faultOf(`{"a":{"${key}":1},"b":["${key}"],"c":"${key}"}`), null);
    }
    for (const key of ['_firehos', '_firehosee', '\\\\u005ffirehose', '__firehose', ' _firehose']) {
      assert.equal(faultOf(`{"${key}":1}`), null, key);
    }
  });

  it('takes white space around an object, and nothing else', () => {
    assert.equal(faultOf(' \t\r\n{"a":1}\n'), null);
    for (const text of ['', ' ', '{}{}', '{} x', '\ufeff{}', '{}\u00a0', '\u0000{}', '{}\u0000', '[{}]', '"{}"', '7']) {
      assert.equal(faultOf(text), 'not_an_object', JSON.stringify(text));
    }
  });

  it('refuses what is nested deeper than an event may be, however deep', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    assert.equal(faultOf(nested(MAX_EVENT_DEPTH)), null);
    for (const depth of [MAX_EVENT_DEPTH + 1, 100_000]) assert.equal(faultOf(nested(depth)), 'too_deep');
    const mixed = '{"a":['.repeat(MAX_EVENT_DEPTH / 2) + ']}'.repeat(MAX_EVENT_DEPTH / 2);
    assert.equal(faultOf(mixed), null);
    assert.equal(faultOf(mixed.replace(']}]', ']]}')), 'not_an_object');
  });

  it('does not end before the bytes do', () => {
    for (const text of [
      '{',
      '{"',
      '{"a',
      '{"a"',
      '{"a":',
      '{"a":1',
      '{"a":1,',
      '{"a":"\\',
      '{"a":"\\u00',
      '{"a":tru',
      '{"a":-',
    ])
      assert.equal(faultOf(text), 'not_an_object', text);
  });
});
