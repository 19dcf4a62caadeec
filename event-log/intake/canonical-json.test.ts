import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { canonicalText } from './canonical-json.ts';

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
