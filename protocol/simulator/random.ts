/**
 * A repeatable random source: sfc32 (Chris Doty-Humphrey, PractRand), seeded by FNV-1a over a text. Plain 32-bit
 * arithmetic, so every engine returns the same numbers. Not for secrets.
 */
export interface Random {
  /** Uniform in [0, 1). */
  unit(): number;
  /** Uniform integer in [min, max]. */
  integer(min: number, max: number): number;
  /** True with probability `p`. */
  chance(p: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** Exponentially distributed with this mean: the gap between two arrivals of a Poisson process. */
  exponential(mean: number): number;
  /** Lower-case hexadecimal digits. */
  hex(digits: number): string;
}

const WARM_UP_ROUNDS = 15;

export function createRandom(seed: string): Random {
  const next = sfc32(seed);
  const unit = () => next() / 0x1_0000_0000;
  const integer = (min: number, max: number) => min + Math.floor(unit() * (max - min + 1));
  return {
    unit,
    integer,
    chance: (p) => unit() < p,
    pick: <T>(choices: readonly T[]) => choices[integer(0, choices.length - 1)] as T,
    exponential: (mean) => -Math.log(1 - unit()) * mean,
    hex: (digits) => {
      let text = '';
      while (text.length < digits) text += next().toString(16).padStart(8, '0');
      return text.slice(0, digits);
    },
  };
}

function sfc32(seed: string): () => number {
  let a = fnv1a(seed, 0x811c9dc5);
  let b = fnv1a(seed, a);
  let c = fnv1a(seed, b);
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) next();
  return next;
}

function fnv1a(text: string, basis: number): number {
  let hash = basis;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
