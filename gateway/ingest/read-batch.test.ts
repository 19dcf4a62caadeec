import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_BODY_BYTES, MAX_EVENTS, readBatch, WRAPPED_TYPE } from './read-batch.ts';

function elementsOf(body: string | Buffer, contentType = '') {
  const batch = readBatch(Buffer.from(body), contentType);
  assert.ok(batch.kind === 'elements', JSON.stringify(batch));
  return batch.elements;
}

function textsOf(body: string, contentType = '') {
  return elementsOf(body, contentType).map(String);
}

function codeOf(body: string | Buffer, contentType = '') {
  const batch = readBatch(Buffer.from(body), contentType);
  return 'code' in batch ? `${batch.status} ${batch.code}` : 'read';
}

describe('a body', () => {
  it('that is a JSON array is cut into the exact bytes of its elements', () => {
    const elements = ['{"a" : "],[\\"}{"}', '{"b":[1,{"c":[]}],\n"d":1.0}', '"x\\\\"', '7', '[]'];
    assert.deepEqual(textsOf(` [ ${elements.join(' ,\r\n')} ]\n`), elements);
    assert.deepEqual(textsOf('[]'), []);
  });

  it('that is no array to its end is refused as a whole', () => {
    for (const body of ['[{"a":1}', '[{"a":1}] x', '[{"a":1}}', '["a]', '[1][2]', '[']) {
      assert.equal(codeOf(body), '400 not_json', body);
    }
    assert.deepEqual(textsOf('[1,,{x}]'), ['1', '', '{x}']);
  });

  it('of lines is cut at each line feed, whatever its content type', () => {
    assert.deepEqual(textsOf('{"a":1}\r\n\r\n  {"b":2}\n\n{bad\n{"c":3}', 'text/plain'), [
      '{"a":1}',
      '{"b":2}',
      '{bad',
      '{"c":3}',
    ]);
  });

  it('keeps the good lines between bad ones that would make brackets match', () => {
    assert.deepEqual(textsOf('{"x":{\n{"ok":1}\n}}'), ['{"x":{', '{"ok":1}', '}}']);
  });

  it('of one pretty-printed object is one event', () => {
    const text = JSON.stringify({ a: { b: [1, 2] }, c: '}' }, null, 2);
    assert.deepEqual(textsOf(`\n${text}\n`), [text]);
  });

  it('may begin with one byte order mark, as may each line, whose own is left for the event', () => {
    assert.deepEqual(textsOf('\ufeff{"a":1}\n\ufeff{"b":2}'), ['{"a":1}', '\ufeff{"b":2}']);
    for (const body of ['\ufeff\ufeff{"a":1}', '\ufeff\ufeff[{"a":1}]']) assert.equal(codeOf(body), '400 not_json');
  });

  it('is refused when empty, over 8 MiB, or of more than 10,000 events', () => {
    for (const body of ['', ' \r\n\n']) assert.equal(codeOf(body), '400 empty_body');
    assert.equal(codeOf(Buffer.alloc(MAX_BODY_BYTES + 1, 0x20)), '413 body_too_large');
    assert.equal(elementsOf('{}\n'.repeat(MAX_EVENTS)).length, MAX_EVENTS);
    assert.equal(codeOf('{}\n'.repeat(MAX_EVENTS + 1)), '413 too_many_events');
    assert.equal(codeOf(`[${'{},'.repeat(MAX_EVENTS)}{}]`), '413 too_many_events');
  });
});

it('holds wrapped events when its content type says so, in any case and with parameters', () => {
  const isWrapped = (contentType: string) => {
    const batch = readBatch(Buffer.from('{}'), contentType);
    return batch.kind === 'elements' && batch.wrapped;
  };
  assert.ok(isWrapped(`${WRAPPED_TYPE.toUpperCase()}; charset=utf-8`));
  assert.equal(isWrapped('application/x-ndjson'), false);
});
