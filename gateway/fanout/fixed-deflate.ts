/**
 * Compresses by DEFLATE (RFC 1951) with the fixed Huffman codes of 3.2.6. zlib allocates an object of 200 KB for every
 * event and reads the whole dictionary for it; this code reads the messages of a round once, one after the other.
 * Dynamic codes would save another 5 % of the bytes, and cost more than everything else.
 */

/** A match is found by its first four bytes. */
const LEAST_MATCH = 4;
const MOST_MATCH = 258;
const MOST_DISTANCE = 32 * 1024;
const HASH_BITS = 12;
const HASH_FACTOR = 0x9e3779b1;
const END_OF_BLOCK = 256;
/** In the history, this many bytes are skipped between two indexed places: a match also grows backwards. */
const STRIDE = 4;
const DICTIONARY_STRIDE = 8;

/**
 * The last place of four bytes, and the one before it, as `base` plus place: places of earlier calls are below the
 * base.
 */
const heads = new Int32Array(2 << HASH_BITS);
const LAST_BASE = 2 ** 30;
let base = 1;

/** A match, and the literals between the previous match and it: where they begin and end, its length and distance. */
const TOKEN = 4;
/** Both are reused for each message. */
let tokens = new Int32Array(0);
let out = new Uint8Array(0);

/** Huffman codes are packed from their highest bit, everything else from its lowest (RFC 1951 3.1.1). */
function reversed(code: number, bits: number): number {
  let result = 0;
  for (let at = 0; at < bits; at += 1) result |= ((code >> at) & 1) << (bits - 1 - at);
  return result;
}

/** A code in the low bits, and its number of bits above. */
const COUNT_AT = 16;
const pack = (code: number, bits: number) => code | (bits << COUNT_AT);
const codeOf = (packed: number) => packed & 0xffff;
const bitsOf = (packed: number) => packed >> COUNT_AT;

function fixedCode(symbol: number): number {
  if (symbol < 144) return pack(reversed(0x30 + symbol, 8), 8);
  if (symbol < 256) return pack(reversed(0x190 + symbol - 144, 9), 9);
  if (symbol < 280) return pack(reversed(symbol - 256, 7), 7);
  return pack(reversed(0xc0 + symbol - 280, 8), 8);
}

const LITERALS = Int32Array.from({ length: END_OF_BLOCK + 1 }, (_, symbol) => fixedCode(symbol));

/** RFC 1951 3.2.5: the symbol of a length and its extra bits. */
const LENGTHS = Int32Array.from({ length: MOST_MATCH + 1 }, (_, length) => {
  if (length < 3) return 0;
  if (length === MOST_MATCH) return fixedCode(285);
  const extra = length < 11 ? 0 : 29 - Math.clz32(length - 3);
  const symbol = fixedCode(257 + 4 * extra + ((length - 3) >> extra));
  const rest = (length - 3) & ((1 << extra) - 1);
  return pack(codeOf(symbol) | (rest << bitsOf(symbol)), bitsOf(symbol) + extra);
});
const DISTANCES = Uint8Array.from({ length: 30 }, (_, symbol) => reversed(symbol, 5));

/** Messages back to back, after what the receiver had before them. */
export interface Stretch {
  readonly bytes: Uint8Array;
  /** Offset of the first message. */
  readonly start: number;
  /** How far before its own start a message may refer back. */
  readonly reach: number;
}

/**
 * Each message as the payload of a compressed frame, without the end of a flush (RFC 7692 7.2.1). `wrap` gets it in a
 * buffer that is reused. Pure, except for tables that are reused too.
 */
export function deflateEach<T>(
  { bytes, start, reach }: Stretch,
  lengths: readonly number[],
  wrap: (payload: Uint8Array) => T,
): T[] {
  if (base > LAST_BASE) {
    heads.fill(0);
    base = 1;
  }
  const text = { bytes, words: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  const known = Math.min(start, bytes.length - LEAST_MATCH + 1);
  for (let at = Math.max(0, start - reach); at < known; at += DICTIONARY_STRIDE) remember(hashAt(text.words, at), at);
  let from = start;
  const wrapped = lengths.map((length) => {
    reserve(length);
    const end = from + length;
    const count = findMatches(text, { from, end, oldest: Math.max(0, from - reach) });
    from = end;
    return wrap(out.subarray(0, encode(bytes, count)));
  });
  base += bytes.length;
  return wrapped;
}

/** A byte takes at most nine bits; then follow the headers of two blocks. A run of literals counts as a token too. */
function reserve(length: number): void {
  const most = length + (length >> 3) + 16;
  if (out.length >= most) return;
  out = new Uint8Array(most);
  tokens = new Int32Array(TOKEN * (Math.ceil(length / LEAST_MATCH) + 1));
}

/** A multiplication spreads the four bytes over the table. */
function hashAt(words: DataView, at: number): number {
  return (Math.imul(words.getInt32(at, true), HASH_FACTOR) >>> (32 - HASH_BITS)) << 1;
}

function remember(hash: number, at: number): void {
  heads[hash + 1] = heads[hash] ?? 0;
  heads[hash] = base + at;
}

/** The same bytes, one at a time and four at a time: comparing and hashing four at once takes half the time. */
interface Text {
  readonly bytes: Uint8Array;
  readonly words: DataView;
}

/** How many bytes from `a` and from `b` on are equal, at most `most`. */
function alike({ bytes, words }: Text, a: number, b: number, most: number): number {
  let length = 0;
  for (; length + 4 <= most; length += 4) {
    const differing = words.getInt32(a + length, true) ^ words.getInt32(b + length, true);
    // The lowest bit that differs is in the first byte that does.
    if (differing !== 0) return length + ((31 - Math.clz32(differing & -differing)) >> 3);
  }
  while (length < most && bytes[a + length] === bytes[b + length]) length += 1;
  return length;
}

/** Writes the tokens of one message, and returns their number. The last one has no match. */
function findMatches(
  text: Text,
  { from, end, oldest }: { readonly from: number; readonly end: number; readonly oldest: number },
): number {
  const { bytes, words } = text;
  const last = end - LEAST_MATCH;
  // Of the last bytes of all, fewer than four follow.
  const hashed = bytes.length - LEAST_MATCH;
  let literals = from;
  let count = 0;
  for (let at = from; at <= last;) {
    const hash = hashAt(words, at);
    const least = Math.max(oldest, at - MOST_DISTANCE);
    let before = (heads[hash] ?? 0) - base;
    let length = before >= least ? alike(text, before, at, end - at) : 0;
    const other = (heads[hash + 1] ?? 0) - base;
    // A candidate is better only if it differs later.
    if (other >= least && bytes[other + length] === bytes[at + length]) {
      const found = alike(text, other, at, end - at);
      if (found > length) {
        length = found;
        before = other;
      }
    }
    remember(hash, at);
    if (length < LEAST_MATCH) {
      at += 1;
      continue;
    }
    const next = at + length;
    const distance = at - before;
    let begin = at;
    while (begin > literals && begin - distance > oldest && bytes[begin - 1] === bytes[begin - 1 - distance])
      begin -= 1;
    count = note(count, literals, begin, next - begin, distance);
    const until = Math.min(next, hashed + 1);
    for (at += STRIDE; at < until; at += STRIDE) remember(hashAt(words, at), at);
    at = next;
    literals = next;
  }
  return note(count, literals, end, 0, 0);
}

function note(count: number, literals: number, end: number, length: number, distance: number): number {
  const at = count * TOKEN;
  tokens[at] = literals;
  tokens[at + 1] = end;
  tokens[at + 2] = length;
  tokens[at + 3] = distance;
  return count + 1;
}

/** Writes the tokens to `out`, and returns their size in bytes. `held` collects bits until there are eight. */
function encode(bytes: Uint8Array, count: number): number {
  // A block that is not the last one, with fixed codes: 0, then 01.
  let held = 0b010;
  let bits = 3;
  let size = 0;
  for (let token = 0; token < count * TOKEN; token += TOKEN) {
    const end = tokens[token + 1] ?? 0;
    for (let at = tokens[token] ?? 0; at < end; at += 1) {
      const literal = LITERALS[bytes[at] ?? 0] ?? 0;
      held |= codeOf(literal) << bits;
      for (bits += bitsOf(literal); bits >= 8; bits -= 8, held >>>= 8) out[size++] = held;
    }
    const back = (tokens[token + 3] ?? 0) - 1;
    const extra = back < 4 ? 0 : 30 - Math.clz32(back);
    const distance = (DISTANCES[2 * extra + (back >> extra)] ?? 0) | ((back & ((1 << extra) - 1)) << 5);
    for (let left = tokens[token + 2] ?? 0; left > 0;) {
      // The rest must be long enough for a match of its own.
      const part = left <= MOST_MATCH ? left : Math.min(MOST_MATCH, left - LEAST_MATCH);
      const length = LENGTHS[part] ?? 0;
      held |= codeOf(length) << bits;
      for (bits += bitsOf(length); bits >= 8; bits -= 8, held >>>= 8) out[size++] = held;
      held |= distance << bits;
      for (bits += 5 + extra; bits >= 8; bits -= 8, held >>>= 8) out[size++] = held;
      left -= part;
    }
  }
  const end = LITERALS[END_OF_BLOCK] ?? 0;
  held |= codeOf(end) << bits;
  // Plus the header of the empty block at the end of a flush: three zeros, then padding to the next byte.
  for (bits += bitsOf(end) + 3; bits > 0; bits -= 8, held >>>= 8) out[size++] = held;
  return size;
}
