import { INVALID, JSON_BYTE, PLAIN, scalarEnd, skipSpace, stringEnd } from '../../protocol/json-text.ts';
import { MAX_EVENT_DEPTH } from '../../protocol/event-object.ts';
import { hashOf, JsonKeys, UNKNOWN_KEY } from './json-keys.ts';

const { QUOTE, BACKSLASH, COMMA, COLON, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT } = JSON_BYTE;
const SLASH = 0x2f;
const LETTER_U = 0x75;

/** The numbers of a node: its key, the offsets of key and value, the node after it, and whether it is canonical. */
const KEY = 0;
const KEY_FROM = 1;
const FROM = 2;
const TO = 3;
const AFTER = 4;
const ODD = 5;
const SIZE = 6;

/** The object itself. */
export const ROOT = 0;
/** An absent member. */
export const ABSENT = -1;

/**
 * One JSON object, parsed by one pass over its bytes: the place of each value, and which keys are equal. The next
 * `scan` reuses the memory and makes all nodes invalid. Values are nodes; the values of a container follow it.
 */
export class JsonScan {
  readonly #keys: JsonKeys;
  #bytes: Buffer = Buffer.alloc(0);
  #nodes = new Int32Array(SIZE * 256);
  readonly #open = new Int32Array(MAX_EVENT_DEPTH);
  /** For each of the first keys, the last member of the object itself that has it. */
  readonly #firsts: Int32Array;
  /** Of the key that was read last. */
  #key = UNKNOWN_KEY;

  /** `first`: keys that are found without a search, by their index. */
  constructor(first: readonly string[]) {
    this.#keys = new JsonKeys(first);
    this.#firsts = new Int32Array(first.length);
  }

  /**
   * Whether the bytes are one object (RFC 8259) without anything around it, at most MAX_EVENT_DEPTH deep. They must be
   * UTF-8, which is not checked here.
   */
  scan(bytes: Buffer): boolean {
    this.#bytes = bytes;
    this.#keys.makeRoom();
    this.#firsts.fill(ABSENT);
    this.#key = UNKNOWN_KEY;
    if (bytes[0] !== OPEN_OBJECT) return false;
    let [at, keyFrom, depth, node] = [0, 0, 0, ROOT];
    /** One bit for each level, the innermost last: 1 for an array. */
    let arrays = 0;
    for (;;) {
      if (node + SIZE > this.#nodes.length) this.#grow();
      const nodes = this.#nodes;
      nodes[node + KEY] = this.#key;
      nodes[node + KEY_FROM] = keyFrom;
      nodes[node + FROM] = at;
      nodes[node + ODD] = 0;
      if (depth === 1 && this.#key >= 0 && this.#key < this.#firsts.length) this.#firsts[this.#key] = node;
      const byte = bytes[at];
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (depth === MAX_EVENT_DEPTH) return false;
        this.#open[depth] = node;
        depth += 1;
        arrays = (arrays << 1) | (byte === OPEN_ARRAY ? 1 : 0);
        node += SIZE;
        at = skipSpace(bytes, at + 1);
        if (bytes[at] !== (byte === OPEN_ARRAY ? CLOSE_ARRAY : CLOSE_OBJECT)) {
          keyFrom = at;
          at = this.#readKey(at, byte === OPEN_ARRAY);
          if (at < 0) return false;
          continue;
        }
      } else {
        at = byte === QUOTE ? this.#stringEnd(at, node) : scalarEnd(bytes, at);
        if (at < 0) return false;
        nodes[node + TO] = at;
        node += SIZE;
        nodes[node - SIZE + AFTER] = node;
        at = skipSpace(bytes, at);
      }
      // After a value: the containers that end here, then the next value.
      while (bytes[at] === ((arrays & 1) === 1 ? CLOSE_ARRAY : CLOSE_OBJECT)) {
        depth -= 1;
        arrays >>>= 1;
        const container = this.#open[depth] ?? 0;
        nodes[container + TO] = at + 1;
        nodes[container + AFTER] = node;
        if (depth === 0) return at + 1 === bytes.length;
        at = skipSpace(bytes, at + 1);
      }
      if (bytes[at] !== COMMA) return false;
      keyFrom = skipSpace(bytes, at + 1);
      at = this.#readKey(keyFrom, (arrays & 1) === 1);
      if (at < 0) return false;
    }
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** The last member of the object itself with the first key of this number, or ABSENT. */
  first(number: number): number {
    return this.#firsts[number] ?? ABSENT;
  }

  /** The first value in a container, or `end` of it when it is empty. */
  firstIn(container: number): number {
    return container + SIZE;
  }

  /** Where the values of a container end: compare the next value with it. */
  end(container: number): number {
    return this.#nodes[container + AFTER] ?? 0;
  }

  /** The next value in the same container. */
  next(node: number): number {
    return this.#nodes[node + AFTER] ?? 0;
  }

  /** The values of a container, in order. */
  nodesIn(container: number): readonly number[] {
    const nodes: number[] = [];
    const end = this.end(container);
    for (let node = this.firstIn(container); node < end; node = this.next(node)) nodes.push(node);
    return nodes;
  }

  /** The number of a member's key; UNKNOWN_KEY when the key has no number and must be compared by name. */
  key(node: number): number {
    return this.#nodes[node + KEY] ?? UNKNOWN_KEY;
  }

  keyRank(node: number): number {
    return this.#keys.rank(this.key(node));
  }

  keyName(node: number): string {
    const key = this.key(node);
    return key === UNKNOWN_KEY ? (JSON.parse(this.#keyText(node)) as string) : this.#keys.name(key);
  }

  /** The key in canonical form, with quotes. */
  keyLexeme(node: number): Buffer {
    const key = this.key(node);
    return key === UNKNOWN_KEY ? Buffer.from(JSON.stringify(this.keyName(node))) : this.#keys.lexeme(key);
  }

  /** Offset of a member, including its key. */
  memberFrom(node: number): number {
    return this.#nodes[node + KEY_FROM] ?? 0;
  }

  from(node: number): number {
    return this.#nodes[node + FROM] ?? 0;
  }

  to(node: number): number {
    return this.#nodes[node + TO] ?? 0;
  }

  isObject(node: number): boolean {
    return this.#bytes[this.from(node)] === OPEN_OBJECT;
  }

  isArray(node: number): boolean {
    return this.#bytes[this.from(node)] === OPEN_ARRAY;
  }

  isString(node: number): boolean {
    return this.#bytes[this.from(node)] === QUOTE;
  }

  /** Whether a string has an escape that differs from RFC 8785's. */
  isOdd(node: number): boolean {
    return this.#nodes[node + ODD] === 1;
  }

  /** The bytes of a value as text. */
  text(node: number): string {
    return this.#bytes.toString('utf8', this.from(node), this.to(node));
  }

  /** As JSON.parse reads it; undefined for ABSENT. */
  value(node: number): unknown {
    if (node === ABSENT) return undefined;
    const [from, to] = [this.from(node), this.to(node)];
    if (this.#bytes[from] !== QUOTE) return JSON.parse(this.text(node));
    const inner = this.#bytes.toString('utf8', from + 1, to - 1);
    return inner.includes('\\') ? JSON.parse(`"${inner}"`) : inner;
  }

  #keyText(node: number): string {
    const from = this.memberFrom(node);
    return this.#bytes.toString('utf8', from, stringEnd(this.#bytes, from));
  }

  /** Offset of the value after the key at `from`; an element of an array has no key. */
  #readKey(from: number, isElement: boolean): number {
    if (isElement) {
      this.#key = UNKNOWN_KEY;
      return from;
    }
    const bytes = this.#bytes;
    this.#key = this.#keys.expected(bytes, from);
    const end = this.#key === UNKNOWN_KEY ? this.#readOtherKey(from) : from + this.#keys.lexeme(this.#key).length;
    if (end < 0) return INVALID;
    const colon = skipSpace(bytes, end);
    return bytes[colon] === COLON ? skipSpace(bytes, colon + 1) : INVALID;
  }

  /** Just after the key at `from`, or INVALID. */
  #readOtherKey(from: number): number {
    const bytes = this.#bytes;
    if (bytes[from] !== QUOTE) return INVALID;
    const plain = plainEnd(bytes, from);
    if (bytes[plain] === QUOTE) {
      this.#key = this.#keys.numberOf(bytes, from, plain + 1, hashOf(bytes, from, plain + 1));
      return plain + 1;
    }
    const end = stringEnd(bytes, from);
    if (end < 0) return INVALID;
    const canonical = Buffer.from(JSON.stringify(JSON.parse(bytes.toString('utf8', from, end))));
    this.#key = this.#keys.numberOf(canonical, 0, canonical.length, hashOf(canonical, 0, canonical.length));
    return end;
  }

  /** Just after the string of a node, or INVALID. */
  #stringEnd(from: number, node: number): number {
    const bytes = this.#bytes;
    const plain = plainEnd(bytes, from);
    if (bytes[plain] === QUOTE) return plain + 1;
    const end = stringEnd(bytes, from);
    this.#nodes[node + ODD] = hasOddEscape(bytes, plain, end) ? 1 : 0;
    return end;
  }

  #grow(): void {
    const larger = new Int32Array(this.#nodes.length * 2);
    larger.set(this.#nodes);
    this.#nodes = larger;
  }
}

/** The first byte of the string at `from` that needs decoding. */
function plainEnd(bytes: Buffer, from: number): number {
  let at = from + 1;
  while (PLAIN[bytes[at] ?? 0] === 1) at += 1;
  return at;
}

/** JSON.stringify never writes `\/`, and `\u` only where it must; `from` is at a backslash or before it. */
function hasOddEscape(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    if (bytes[at] !== BACKSLASH) continue;
    at += 1;
    if (bytes[at] === SLASH || bytes[at] === LETTER_U) return true;
  }
  return false;
}
