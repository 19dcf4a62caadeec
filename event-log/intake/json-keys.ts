import { isThere } from '../../protocol/json-text.ts';

/** Number of a key that is not in the table. */
export const UNKNOWN_KEY = -1;

const MOST = 1_024;
const SLOTS = 4_096;
/** FNV-1a, 32 bits. */
const HASH = { start: 0x811c9dc5, prime: 0x01000193 } as const;

/**
 * Numbers for the keys of JSON objects, which repeat in every event. Numbers and ranks decide whether two keys are
 * equal or ordered, without a string. `first` are the keys that are always known, by their index.
 */
export class JsonKeys {
  readonly #first: readonly string[];
  readonly #slots = new Int32Array(SLOTS);
  readonly #hashes = new Int32Array(MOST);
  readonly #ranks = new Int32Array(MOST);
  #lexemes: Buffer[] = [];
  #names: string[] = [];
  /** Numbers in the order of their keys. */
  #sorted: number[] = [];
  /** For each number, the number that followed it last time; and the last returned number. */
  readonly #behind = new Int32Array(MOST);
  #last = 0;

  constructor(first: readonly string[]) {
    this.#first = first;
    this.#forget();
  }

  /** Call between events: all numbers but those of the first keys may change. */
  makeRoom(): void {
    if (this.#names.length > MOST / 2) this.#forget();
  }

  /**
   * The number of the key with its quotes at `from`, if it follows the previous key as it did last time; else
   * UNKNOWN_KEY.
   */
  expected(bytes: Buffer, from: number): number {
    const number = this.#behind[this.#last] ?? 0;
    const lexeme = this.#lexemes[number];
    if (lexeme === undefined || !isThere(bytes, from, lexeme)) return UNKNOWN_KEY;
    this.#last = number;
    return number;
  }

  /** The number of a key by its canonical bytes, with quotes; UNKNOWN_KEY when there is no room for another one. */
  numberOf(bytes: Buffer, from: number, to: number, hash: number): number {
    const number = this.#find(bytes, from, to, hash);
    if (number !== UNKNOWN_KEY) {
      this.#behind[this.#last] = number;
      this.#last = number;
    }
    return number;
  }

  #find(bytes: Buffer, from: number, to: number, hash: number): number {
    let slot = hash & (SLOTS - 1);
    for (;;) {
      const number = (this.#slots[slot] ?? 0) - 1;
      if (number < 0) break;
      const lexeme = this.#lexemes[number];
      if (this.#hashes[number] === hash && lexeme?.length === to - from && isThere(bytes, from, lexeme)) return number;
      slot = (slot + 1) & (SLOTS - 1);
    }
    return this.#names.length === MOST ? UNKNOWN_KEY : this.#add(Buffer.from(bytes.subarray(from, to)), hash, slot);
  }

  name(number: number): string {
    return this.#names[number] ?? '';
  }

  /** In canonical form, with quotes. */
  lexeme(number: number): Buffer {
    return this.#lexemes[number] ?? Buffer.alloc(0);
  }

  /** Keys with smaller ranks come first by the UTF-16 units of their names (RFC 8785 section 3.2.3). */
  rank(number: number): number {
    return this.#ranks[number] ?? 0;
  }

  #forget(): void {
    this.#slots.fill(0);
    this.#lexemes = [];
    this.#names = [];
    this.#sorted = [];
    this.#behind.fill(0);
    this.#last = 0;
    for (const name of this.#first) {
      const lexeme = Buffer.from(JSON.stringify(name));
      this.numberOf(lexeme, 0, lexeme.length, hashOf(lexeme, 0, lexeme.length));
    }
  }

  #add(lexeme: Buffer, hash: number, slot: number): number {
    const number = this.#names.length;
    const name = JSON.parse(lexeme.toString()) as string;
    this.#slots[slot] = number + 1;
    this.#hashes[number] = hash;
    this.#lexemes.push(lexeme);
    this.#names.push(name);
    const rank = this.#rankOf(name);
    this.#sorted.splice(rank, 0, number);
    for (let index = rank; index < this.#sorted.length; index += 1) this.#ranks[this.#sorted[index] ?? 0] = index;
    return number;
  }

  /** How many keys come before this one. */
  #rankOf(name: string): number {
    let [from, to] = [0, this.#sorted.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.name(this.#sorted[middle] ?? 0) < name) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

export function hashOf(bytes: Buffer, from: number, to: number): number {
  let hash: number = HASH.start;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), HASH.prime);
  return hash;
}
