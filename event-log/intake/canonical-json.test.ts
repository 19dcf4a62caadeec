import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { CanonicalWriter } from './canonical-json.ts';
import { JsonScan } from './json-scan.ts';
import { anyObjectText } from './testing/any-json.ts';
import { plainCanonical } from './testing/plain-canonical.ts';

const scan = new JsonScan(['value', 'a', 'b']);
const writer = new CanonicalWriter(scan);

/** A value of any type, inside of an object. */
function canonicalText(text: string): string | undefined {
  if (!scan.scan(Buffer.from(`{"value":${text}}`))) return undefined;
  return writer.textOf(scan.first(0));
}

describe('canonical JSON', () => {
  it('is that of RFC 8785 for whatever JSON.stringify writes', () => {
    const wellFormed = fc.string({ unit: 'binary' }).map((text) => text.toWellFormed());
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        wellFormed,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value')),
        fc.dictionary(wellFormed, tie('value')),
      ),
    }));
    const property = fc.property(value, fc.constantFrom(0, 2, '\t'), (of, space) => {
      assert.equal(canonicalText(JSON.stringify(of, null, space)), canonicalize(of));
    });
    fc.assert(property, { numRuns: 5_000 });
  });

  it('is what a plain writer makes of any object that is no deeper than an event may be', () => {
    const property = fc.property(anyObjectText, (text) => {
      assert.ok(scan.scan(Buffer.from(text)), text);
      assert.equal(writer.textOf(0), plainCanonical(text));
      assert.equal(canonicalText(text), plainCanonical(text));
    });
    fc.assert(property, { numRuns: 5_000 });
  });

  it('is the same of more keys than are remembered, and of the keys that come after them', () => {
    const many = (prefix: string, count: number) =>
      `{${Array.from({ length: count }, (_, at) => `"${prefix}${(at * 7919) % count}":{"b":1,"a":2}`).join()}}`;
    for (const text of [
      many('é', 2_000),
      many('k', 600),
      '{"b":1,"a":2}',
      many('m', 1_500),
      '{"new":1,"b":{"z":1,"k1":2}}',
    ]) {
      assert.equal(canonicalText(text), plainCanonical(text));
      const order = Object.keys(JSON.parse(canonicalText(text) ?? '') as object).filter((key) => !/^\d/.test(key));
      assert.deepEqual(
        order,
        order.toSorted((a, b) => (a < b ? -1 : 1)),
      );
    }
  });

  it('does not depend on white space, the order of keys, or the escapes of a string', () => {
    const one = '{"b":[1,"\\u00e9\\/"],"a":{"d":null,"c":true}}';
    assert.equal(canonicalText(one), canonicalText(' {"a" : {"c":true,\n"d":null},\t"b":[ 1 , "é/" ] } '));
  });

  it('tells apart what a double or a parser does not', () => {
    const numbers = ['1', '1.0', '1e0', '1E0', '10e-1', '-0', '0', '1e999', '1e998', '-1e999', '1e-400', '1e-401'];
    const long = ['9007199254740993', '9007199254740992', '0.1', '0.10000000000000001', '1234567890123456789'];
    const others = ['"1e999"', '"\\ud800"', '"\\udfff"', '"\\\\ud800"', '{"a":1}', '{"a":1,"a":1}', '{"a":1,"a":2}'];
    const apart = [...numbers, ...long, ...others, '1234567890123456788', '{"a":2,"a":1}'];
    for (const wrap of [(text: string) => text, (text: string) => `[${text}]`, (text: string) => `{"x":${text}}`]) {
      assert.equal(new Set(apart.map((text) => canonicalText(wrap(text)))).size, apart.length);
    }
  });

  it('takes a key that is named like a property of every object', () => {
    const text = '{"__proto__":{"a":1},"constructor":2}';
    assert.equal(canonicalText(text), text);
  });
});
