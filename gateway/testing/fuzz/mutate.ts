import { oneOf, randomBytes, type Random } from '../hostile.ts';

/** Pieces that often break parsers: numbers, escapes, structure, encodings, names with a meaning in JavaScript. */
const PIECES: readonly string[] = [
  '',
  'null',
  '{}',
  '[]',
  '""',
  '1e999',
  '-0',
  '12345678901234567890',
  '0.1000000000000000055511151231257827',
  '"\\ud800"',
  '"\\u0000"',
  '"__proto__"',
  '"constructor"',
  '"_firehose"',
  '"\\u005ffirehose"',
  '\uFEFF',
  '\u0000',
  '\r\n\r\n',
  ',',
  ':',
  '&a *a',
  '!!js/function "x"',
  '<<: *a',
  '- - - - - -',
  '\t',
  '{'.repeat(30),
  '['.repeat(3_000),
  'x'.repeat(70_000),
];

type Mutation = (input: Buffer, random: Random) => Buffer;

const at = (input: Buffer, random: Random) => Math.floor(random() * (input.length + 1));

const MUTATIONS: readonly Mutation[] = [
  (input, random) => splice(input, at(input, random), 0, Buffer.from(oneOf(random, PIECES))),
  (input, random) => splice(input, at(input, random), Math.floor(random() * 20), Buffer.from(oneOf(random, PIECES))),
  (input, random) => splice(input, at(input, random), 1, randomBytes(random, 1)),
  (input, random) => splice(input, at(input, random), Math.floor(random() * 40), Buffer.alloc(0)),
  (input, random) => input.subarray(0, at(input, random)),
  (input, random) => {
    const from = at(input, random);
    return splice(input, at(input, random), 0, input.subarray(from, from + Math.floor(random() * 80)));
  },
  (input, random) => splice(input, at(input, random), 1, Buffer.from([1 << Math.floor(random() * 8)])),
];

function splice(input: Buffer, from: number, length: number, piece: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, from), piece, input.subarray(from + length)]);
}

/** One to four mutations of an input, by the seed of `random`. */
export function mutate(input: Buffer, random: Random): Buffer {
  let mutated = input;
  for (let left = 1 + Math.floor(random() * 4); left > 0; left -= 1)
    mutated = oneOf(random, MUTATIONS)(mutated, random);
  return mutated;
}
