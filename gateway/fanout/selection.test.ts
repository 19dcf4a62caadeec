import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { payloads } from '../testing/sink.ts';
import { Encodings, PLAIN } from './encoding.ts';
import { frame } from './frames.ts';
import { Scratch } from './scratch.ts';
import { countOf, fill, Part, seal, type Selection } from './selection.ts';

const encoding = new Encodings().hold(PLAIN);

/** Payloads of many lengths, each of which contains the number of its entry. */
function payloadOf(entry: number): string {
  return `{"n":${entry},"x":"${'x'.repeat((entry * 37) % 300)}"}`;
}

/** Entries of a round, each assigned to one of some parts or, with 0, to none. */
const dealt = fc
  .record({ parts: fc.integer({ min: 1, max: 6 }), size: fc.integer({ min: 1, max: 200 }) })
  .chain(({ parts, size }) =>
    fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: parts })), {
      minLength: size,
      maxLength: size,
    }),
  )
  .filter((parts) => parts.some((part) => part > 0));

function selectionOf(dealtTo: readonly number[]): Selection {
  const byPart = new Map<number, number[]>();
  for (const [entry, part] of dealtTo.entries()) {
    if (part > 0) byPart.set(part, [...(byPart.get(part) ?? []), entry]);
  }
  return { parts: [...byPart.values()].map((entries) => new Part(entries)), encoding };
}

test('I3: whatever parts a view has of a round, it gets just their frames, in the order of the log', () => {
  const scratch = new Scratch();
  fc.assert(
    fc.property(dealt, (dealtTo) => {
      const expected = [...dealtTo.keys()].filter((entry) => dealtTo[entry] !== 0).map(payloadOf);
      const frames = frame(
        dealtTo.map((_, entry) => Buffer.from(payloadOf(entry))),
        null,
      );
      const selection = selectionOf(dealtTo);
      assert.equal(countOf(selection), expected.length);
      assert.deepEqual(payloads(seal(frames, selection)), expected);
      const { chunk, release } = fill(frames, selection, scratch);
      assert.deepEqual(payloads(chunk), expected);
      release?.();
    }),
  );
});

test('few entries of a large round are put in order too', () => {
  const size = 2_000;
  const frames = frame(
    Array.from({ length: size }, (_, entry) => Buffer.from(payloadOf(entry))),
    null,
  );
  const parts = [new Part([3, 1_999]), new Part([4, 40]), new Part([700])];
  assert.deepEqual(payloads(seal(frames, { parts, encoding })), [3, 4, 40, 700, 1_999].map(payloadOf));
});

test('frames that lie together are sent as they lie, from one part or from several', () => {
  const frames = frame(
    Array.from({ length: 10 }, (_, entry) => Buffer.from(payloadOf(entry))),
    null,
  );
  for (const parts of [[new Part([3, 4, 5])], [new Part([3, 5]), new Part([4])]]) {
    const { chunk, release } = fill(frames, { parts, encoding }, new Scratch());
    assert.equal(chunk.buffer, frames.buffer.buffer);
    assert.equal(release, null);
    assert.deepEqual(payloads(chunk), [3, 4, 5].map(payloadOf));
  }
});
