import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { sseControl, sseFrames, sseRetry } from './sse-frame.ts';

/** What an independent parser makes of a stream that ends after these bytes. */
function read(bytes: Buffer): EventSourceMessage[] {
  const messages: EventSourceMessage[] = [];
  const decoder = new TextDecoder();
  createParser({ onEvent: (message) => messages.push(message) }).feed(decoder.decode(bytes, { stream: true }));
  return messages;
}

const cursor = fc.stringMatching(/^[A-Za-z0-9_-]{1,100}$/);
const space = fc.array(fc.constantFrom(' ', '\t', '\n', '\r', '\r\n'), { maxLength: 6 }).map((parts) => parts.join(''));
/** JSON with white space where RFC 8259 allows it, and text of any script. */
const json = fc
  .tuple(space, fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), { maxKeys: 5 }), space)
  .chain(([before, object, behind]) =>
    fc.array(space, { minLength: 4, maxLength: 4 }).map(([a = '', b = '', c = '', d = '']) => {
      const members = Object.entries(object).map(
        ([key, value]) => `${JSON.stringify(key)}${a}:${b}${JSON.stringify(value)}`,
      );
      return `${before}{${c}${members.join(`${d},${a}`)}${b}}${behind}`;
    }),
  );
const texts = fc.array(fc.record({ json, id: cursor }), { minLength: 1, maxLength: 6 });

test('E3: any JSON arrives as the same JSON, with line ends in its white space read as line feeds', () => {
  fc.assert(
    fc.property(texts, (sent) => {
      const payloads = sent.map((one) => Buffer.from(one.json));
      const { buffer, offsets } = sseFrames(
        payloads,
        sent.map(({ id }) => id),
      );
      const got = read(buffer);
      assert.deepEqual(
        got.map(({ id, data, event }) => ({ id, data, event })),
        sent.map((one) => ({ id: one.id, data: one.json.replace(/\r\n|\r/g, '\n'), event: undefined })),
      );
      for (const [at, { data }] of got.entries()) {
        assert.deepEqual(JSON.parse(data), JSON.parse(sent[at]?.json ?? ''));
        // The overhead: the id, and six bytes for each line.
        const lines = data.split('\n').length;
        const length = (offsets[at + 1] ?? 0) - (offsets[at] ?? 0);
        assert.ok(length <= (payloads[at]?.length ?? 0) + (sent[at]?.id.length ?? 0) + 7 + 6 * lines);
      }
    }),
  );
});

test('E1: a stream that is cut at any byte has given whole events alone, and the id of the last one of them', () => {
  const sent = ['{"n":1}', '{\r\n "n": 2\n}', '{"n":3,"t":"äöü"}'];
  const { buffer, offsets } = sseFrames(
    sent.map((text) => Buffer.from(text)),
    ['a', 'b', 'c'],
  );
  for (let cut = 0; cut <= buffer.length; cut += 1) {
    const whole = offsets.filter((offset) => offset > 0 && offset <= cut).length;
    const got = read(buffer.subarray(0, cut));
    assert.deepEqual(
      got.map(({ id }) => id),
      ['a', 'b', 'c'].slice(0, whole),
      `cut at ${cut}`,
    );
  }
});

test('a control frame has a name of its own, and an id only where a client may resume from it', () => {
  const parsed = read(Buffer.concat([sseRetry(2_000.4), sseControl('{"type":"hello"}', 'x'), sseControl('{}', null)]));
  assert.deepEqual(
    parsed.map(({ event, id, data }) => ({ event, id, data })),
    [
      { event: 'firehose', id: 'x', data: '{"type":"hello"}' },
      { event: 'firehose', id: undefined, data: '{}' },
    ],
  );
  assert.equal(sseRetry(2_000.4).toString(), 'retry: 2000\n\n');
});
