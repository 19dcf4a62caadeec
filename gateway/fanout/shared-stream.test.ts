import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InflatingSink } from '../testing/inflating-sink.ts';
import { DICTIONARY_BYTES, deflatedFrame, isWorthDeflating } from './deflate.ts';
import { SharedStream } from './shared-stream.ts';

/** Texts that resemble each other, as events do. */
function textOf(number: number, bytes: number): Buffer {
  const head = `{"Event-Name":"CHANNEL_ANSWER","Call-ID":"${(number * 2_654_435_761) >>> 0}","n":${number},"filler":"`;
  const words = Array.from({ length: Math.ceil(bytes / 8) }, (_, at) =>
    ((at * 40_503 + (number % 7)) >>> 0).toString(36),
  );
  return Buffer.from(`${head}${words.join('-').slice(0, Math.max(0, bytes - head.length))}"}`);
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('events' as const),
      bytes: fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('self' as const),
      bytes: fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('raw' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('join' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('return' as const), who: fc.nat() }) },
);

test('D2: a connection gets a frame of the shared stream only once it has had the whole dictionary', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const stream = new SharedStream();
      const clients: { sink: InflatingSink; mark: number; expected: string[] }[] = [];
      let number = 0;
      for (const one of steps) {
        if (one.kind === 'join') clients.push({ sink: new InflatingSink(), mark: stream.mark, expected: [] });
        else if (one.kind === 'return') {
          // It was behind, got other messages in the meantime, and is live again.
          const client = clients[one.who % Math.max(1, clients.length)];
          if (client === undefined) continue;
          const text = textOf((number += 1), 5_000);
          client.sink.write(deflatedFrame(text), null);
          client.expected.push(text.toString());
          client.mark = stream.mark;
        } else if (one.kind !== 'raw') {
          const texts = one.bytes.map((bytes) => textOf((number += 1), bytes)).filter(isWorthDeflating);
          const alone = texts.map((text) => deflatedFrame(text));
          const { inStepUpTo } = stream;
          const shared = one.kind === 'events' ? stream.append(texts) : (stream.cut() ?? alone);
          for (const { sink, mark, expected } of clients) {
            for (const frame of mark <= inStepUpTo ? shared : alone) sink.write(frame, null);
            expected.push(...texts.map(String));
          }
        }
      }
      for (const { sink, expected } of clients) assert.deepEqual(sink.texts, expected);
    }),
    { numRuns: 150 },
  );
});

test('D2: a newcomer is in step after as many bytes as the dictionary has', () => {
  const stream = new SharedStream();
  const event = (number: number) => [textOf(number, 1_000)];
  for (let number = 0; number < 20; number += 1) stream.append(event(number));
  const mark = stream.mark;
  let bytes = 0;
  for (let number = 20; mark > stream.inStepUpTo; number += 1) {
    const [text] = event(number);
    stream.append(event(number));
    bytes += text?.length ?? 0;
  }
  assert.ok(bytes >= DICTIONARY_BYTES && bytes < DICTIONARY_BYTES + 1_100, `${bytes} bytes`);
});

test('an event that repeats the last ones takes a fraction of what it takes alone', () => {
  const stream = new SharedStream();
  stream.append([textOf(1, 2_000), textOf(2, 2_000)]);
  const [shared] = stream.append([textOf(8, 2_000)]);
  const alone = deflatedFrame(textOf(8, 2_000));
  assert.ok((shared?.length ?? Number.POSITIVE_INFINITY) * 3 < alone.length);
});
