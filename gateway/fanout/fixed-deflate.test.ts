import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { createSimulator } from '../../protocol/simulator/simulator.ts';
import { deflateEach } from './fixed-deflate.ts';

const FLUSH_TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const REACH = 8 * 1024;

const deflate = (dictionary: Buffer, messages: readonly Buffer[], reach = REACH) =>
  deflateEach(
    { bytes: Buffer.concat([dictionary, ...messages]), start: dictionary.length, reach },
    messages.map(({ length }) => length),
    (payload) => Buffer.from(payload),
  );

/** By zlib, with only the dictionary in the window. */
function inflate(payload: Buffer, dictionary: Buffer): Buffer {
  const whole = Buffer.concat([payload, FLUSH_TAIL]);
  const options = { finishFlush: constants.Z_SYNC_FLUSH, ...(dictionary.length > 0 && { dictionary }) };
  return inflateRawSync(whole, options);
}

/** Pieces that repeat, near and far, and bytes of every value. */
const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('"Event-Name":"CHANNEL_ANSWER",', 'abcabcabc', 'ü', '0', 'x'.repeat(700)) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 2_000, maxLength: 9_000 }) },
);
const message = fc
  .array(piece, { maxLength: 30 })
  .map((pieces) => Buffer.concat(pieces.map((one) => (typeof one === 'string' ? Buffer.from(one) : Buffer.from(one)))));

test('zlib reads each message by the last bytes before it alone, whatever they are', () => {
  fc.assert(
    fc.property(message, fc.array(message, { minLength: 1, maxLength: 6 }), (dictionary, messages) => {
      let past = dictionary;
      for (const [at, payload] of deflate(dictionary, messages).entries()) {
        const text = messages[at] ?? Buffer.alloc(0);
        assert.ok(inflate(payload, past.subarray(-REACH)).equals(text));
        assert.ok(payload.length <= text.length + (text.length >> 3) + 4);
        past = Buffer.concat([past, text]);
      }
    }),
    { numRuns: 300 },
  );
});

test('matches of every length and of every distance are read again', () => {
  const random = Buffer.from(Array.from({ length: 40_000 }, (_, at) => (Math.imul(at + 1, 0x9e3779b1) >>> 13) & 0xff));
  for (let length = 4; length < 600; length += 1) {
    const repeated = random.subarray(100, 100 + length);
    const [payload] = deflate(random.subarray(0, 1_000), [repeated]);
    assert.ok(payload !== undefined && inflate(payload, random.subarray(0, 1_000)).equals(repeated), `${length}`);
  }
  for (let distance = 50; distance < 32_700; distance = Math.ceil(distance * 1.07)) {
    const dictionary = random.subarray(0, distance);
    const [payload] = deflate(dictionary, [dictionary.subarray(0, 40)], 32 * 1024);
    assert.ok(payload !== undefined && inflate(payload, dictionary).equals(dictionary.subarray(0, 40)), `${distance}`);
  }
});

test('events of calls become less than a fifth of their bytes', () => {
  const accounts = [{ id: 'a', name: 'a', realm: 'a.sip.example.com' }];
  const startAt = Date.UTC(2026, 0, 5);
  const simulator = createSimulator({ seed: 'deflate', accounts, callsPerSecond: 20, startAt });
  const events = simulator.next(startAt + 30_000).map(({ json }) => Buffer.from(json));
  const [before, texts] = [events.slice(0, 20), events.slice(20, 420)];
  const payloads = deflate(Buffer.concat(before).subarray(-REACH), texts);
  const bytes = (list: readonly Buffer[]) => list.reduce((sum, { length }) => sum + length, 0);
  assert.equal(texts.length, 400);
  assert.ok(bytes(payloads) < bytes(texts) / 5, `${bytes(payloads)} of ${bytes(texts)}`);
});
