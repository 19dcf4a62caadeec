import { UNKNOWN_KEY } from './json-keys.ts';
import type { JsonScan } from './json-scan.ts';
import { JSON_BYTE } from '../../protocol/json-text.ts';

const { COMMA, COLON, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT } = JSON_BYTE;
/** Shorter texts are copied faster byte by byte. */
const WORTH_A_CALL = 32;
/** Objects with more members are sorted by a method that remains fast for them. */
const MANY_MEMBERS = 64;

/** Members omitted from an object, by the numbers of keys. */
export interface LeftOut {
  isLeftOut(key: number): boolean;
  /** Members omitted from the value of a key. */
  within(key: number): LeftOut;
}

export const NOTHING: LeftOut = { isLeftOut: () => false, within: () => NOTHING };

/**
 * Writes values of a scan in RFC 8785's form, except for values that a double cannot represent: numbers stay as
 * written, and repeated keys stay repeated, in order. With both, different values have different texts. For everything
 * that JSON.stringify writes, the result is the RFC's form. The next `start` reuses the memory.
 */
export class CanonicalWriter {
  readonly #scan: JsonScan;
  #out = Buffer.alloc(4_096);
  #at = 0;
  /** Members of the objects that are being written, the innermost last; the members of one object are sorted. */
  #order = new Int32Array(256);
  #top = 0;
  /** Objects since `start` with a repeated key. */
  #repeating: number[] = [];

  constructor(scan: JsonScan) {
    this.#scan = scan;
  }

  start(): void {
    // A canonical text is never longer than its source: room for the object, and once more for three of its values.
    const most = 2 * this.#scan.bytes.length + 64;
    if (this.#out.length < most) this.#out = Buffer.alloc(2 * most);
    this.#at = 0;
    if (this.#repeating.length > 0) this.#repeating = [];
  }

  /** The text written since `start`. */
  get bytes(): Buffer {
    return this.#out.subarray(0, this.#at);
  }

  /** Whether an object since `start` has a repeated key. */
  isRepeating(object: number): boolean {
    return this.#repeating.length > 0 && this.#repeating.includes(object);
  }

  ascii(text: string): void {
    this.#at += this.#out.write(text, this.#at, 'latin1');
  }

  value(node: number, leftOut: LeftOut = NOTHING): void {
    const scan = this.#scan;
    if (scan.isObject(node)) this.#object(node, leftOut);
    else if (scan.isArray(node)) this.#array(node);
    else if (scan.isOdd(node)) this.#at += this.#out.write(JSON.stringify(scan.value(node)), this.#at);
    else this.#copy(scan.bytes, scan.from(node), scan.to(node));
  }

  /** The text of one value. Discards the text written before. */
  textOf(node: number): string {
    this.start();
    this.value(node);
    return this.bytes.toString();
  }

  /** The members of an object, sorted by key; members with the same key keep their order. */
  membersOf(object: number): readonly number[] {
    const from = this.#sort(object);
    const members = Array.from(this.#order.subarray(from, this.#top));
    this.#top = from;
    return members;
  }

  #object(object: number, leftOut: LeftOut): void {
    const scan = this.#scan;
    const from = this.#sort(object);
    const to = this.#top;
    this.#byte(OPEN_OBJECT);
    let isFirst = true;
    for (let index = from; index < to; index += 1) {
      const member = this.#order[index] ?? 0;
      const key = scan.key(member);
      if (leftOut.isLeftOut(key)) continue;
      if (!isFirst) this.#byte(COMMA);
      isFirst = false;
      const lexeme = scan.keyLexeme(member);
      this.#copy(lexeme, 0, lexeme.length);
      this.#byte(COLON);
      this.value(member, leftOut.within(key));
    }
    this.#byte(CLOSE_OBJECT);
    this.#top = from;
  }

  #array(array: number): void {
    const scan = this.#scan;
    this.#byte(OPEN_ARRAY);
    const end = scan.end(array);
    for (let node = scan.firstIn(array); node < end; node = scan.next(node)) {
      if (node > scan.firstIn(array)) this.#byte(COMMA);
      this.value(node);
    }
    this.#byte(CLOSE_ARRAY);
  }

  /** Puts the members of an object on top of `#order`, sorted; returns where they begin. */
  #sort(object: number): number {
    const scan = this.#scan;
    const from = this.#top;
    const end = scan.end(object);
    let hasUnknown = false;
    for (let member = scan.firstIn(object); member < end; member = scan.next(member)) {
      if (this.#top === this.#order.length) this.#grow();
      this.#order[this.#top] = member;
      this.#top += 1;
      hasUnknown ||= scan.key(member) === UNKNOWN_KEY;
    }
    const isRepeating =
      hasUnknown || this.#top - from > MANY_MEMBERS ? this.#sortMany(from, hasUnknown) : this.#insert(from);
    if (isRepeating) this.#repeating.push(object);
    return from;
  }

  /** Insertion sort from `from` on; returns whether a key occurs twice. */
  #insert(from: number): boolean {
    const [scan, order] = [this.#scan, this.#order];
    let isRepeating = false;
    for (let index = from + 1; index < this.#top; index += 1) {
      const member = order[index] ?? 0;
      const rank = scan.keyRank(member);
      let place = index;
      while (place > from && scan.keyRank(order[place - 1] ?? 0) > rank) {
        order[place] = order[place - 1] ?? 0;
        place -= 1;
      }
      order[place] = member;
      isRepeating ||= place > from && scan.keyRank(order[place - 1] ?? 0) === rank;
    }
    return isRepeating;
  }

  #sortMany(from: number, hasUnknown: boolean): boolean {
    const scan = this.#scan;
    const members = Array.from(this.#order.subarray(from, this.#top), (member) => ({
      member,
      key: hasUnknown ? scan.keyName(member) : scan.keyRank(member),
    }));
    members.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.member - b.member));
    let isRepeating = false;
    members.forEach(({ member, key }, index) => {
      this.#order[from + index] = member;
      isRepeating ||= index > 0 && members[index - 1]?.key === key;
    });
    return isRepeating;
  }

  #byte(byte: number): void {
    this.#out[this.#at] = byte;
    this.#at += 1;
  }

  #copy(source: Buffer, from: number, to: number): void {
    if (to - from >= WORTH_A_CALL) {
      source.copy(this.#out, this.#at, from, to);
    } else {
      const [out, shift] = [this.#out, this.#at - from];
      for (let at = from; at < to; at += 1) out[at + shift] = source[at] ?? 0;
    }
    this.#at += to - from;
  }

  #grow(): void {
    const larger = new Int32Array(this.#order.length * 2);
    larger.set(this.#order);
    this.#order = larger;
  }
}
