/**
 * JSON with one character for each of its UTF-8 bytes (latin1): the engine searches and cuts such a text several times
 * faster than a Buffer, and every byte remains intact.
 */
export type ByteText = string;

/** The new text of a value: the same text keeps it, CUT cuts out the member. */
export type Judge = (value: ByteText) => ByteText;

/** Replaces a value: the member is cut out. */
export const CUT = '';

type Fate = 'keep' | 'cut' | Judge;

/** What happens to a member if its value is a scalar, and if it is an object or a list. */
export interface MemberRule {
  readonly scalar: Fate;
  readonly container: Fate;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Contains an escape, or characters outside of ASCII. */
const ODD = /[\\\x80-\xff]/;
const BEYOND_ASCII = /[\u0080-\uffff]/;

/** Invented keys of publishers fill this many places, and cost no more memory. */
const MOST_REMEMBERED = 1_024;
const LONGEST_REMEMBERED = 128;

/** A key as it is written, with its quotes, and its rule. */
class KnownKey {
  readonly lexeme: ByteText;
  readonly rule: MemberRule;
  /** The key that followed this one last time: a publisher writes the same keys in the same order. */
  next: KnownKey;

  constructor(lexeme: ByteText, rule: MemberRule, next?: KnownKey) {
    this.lexeme = lexeme;
    this.rule = rule;
    this.next = next ?? this;
  }
}

/**
 * The rules of members, by their keys. A rule depends on nothing but the key, and is remembered: most keys of an event
 * are found by one comparison with the key that came next in an earlier event.
 */
export class MemberRules {
  /** Before the first member: no key has this lexeme. */
  readonly start = new KnownKey(' ', { scalar: 'keep', container: 'keep' });
  readonly #ruleOf: (key: string) => MemberRule;
  readonly #known = new Map<ByteText, KnownKey>();

  constructor(ruleOf: (key: string) => MemberRule) {
    this.#ruleOf = ruleOf;
  }

  /** The key with this lexeme, which follows `before`. */
  find(lexeme: ByteText, before: KnownKey): KnownKey {
    const known = this.#known.get(lexeme);
    if (known !== undefined) return (before.next = known);
    const rule = this.#ruleOf(stringOf(lexeme));
    if (lexeme.length > LONGEST_REMEMBERED) return new KnownKey(lexeme, rule, this.start);
    if (this.#known.size === MOST_REMEMBERED) {
      this.#known.clear();
      this.start.next = this.start;
    }
    // A copy, because a slice keeps the text of its whole event in memory.
    const made = new KnownKey(byteText(bytesOf(lexeme)), rule, this.start);
    this.#known.set(made.lexeme, made);
    return (before.next = made);
  }
}

export function byteText(json: Buffer): ByteText {
  return json.toString('latin1');
}

export function bytesOf(text: ByteText): Buffer {
  return Buffer.from(text, 'latin1');
}

/**
 * An object without some of its members, or with other values of them. The rest keeps its bytes, its order and its
 * white space: nothing is serialised again, so that a number beyond 2^53 and an unusual escape remain intact. `object`
 * is JSON that JSON.parse accepted, without white space around it. Returns the same text when nothing changes.
 */
export function spliceMembers(object: ByteText, rules: MemberRules): ByteText {
  let pieces = '';
  /** Text before this offset is in the pieces, or cut out. */
  let done = 0;
  /** Where the previous member ended, and whether a kept member precedes. */
  let before = -1;
  let hasKept = false;
  let key = rules.start;
  let at = skipSpace(object, 1);
  while (object.charCodeAt(at) === QUOTE) {
    if (object.startsWith(key.next.lexeme, at)) key = key.next;
    else key = rules.find(object.slice(at, stringEnd(object, at)), key);
    const start = valueStart(object, at + key.lexeme.length);
    const end = valueEnd(object, start);
    const fate = isContainer(object, start) ? key.rule.container : key.rule.scalar;
    const shown = fate === 'keep' ? null : fate === 'cut' ? CUT : judged(object.slice(start, end), fate);
    // A member is cut out with the comma before it; the first kept member has none.
    if (shown === CUT) {
      const kept = before < 0 ? at : before;
      if (kept > done) pieces += object.slice(done, kept);
      done = end;
    } else {
      if (before >= 0 && !hasKept) done = at;
      hasKept = true;
      if (shown !== null) {
        pieces += object.slice(done, start) + shown;
        done = end;
      }
    }
    before = end;
    const next = skipSpace(object, end);
    if (object.charCodeAt(next) !== COMMA) break;
    at = skipSpace(object, next + 1);
  }
  return done === 0 ? object : pieces + object.slice(done);
}

/** Null when it remains as it is. */
function judged(value: ByteText, judge: Judge): ByteText | null {
  const text = judge(value);
  return text === value ? null : text;
}

/** Where the value after a key begins. */
function valueStart(text: ByteText, keyEnd: number): number {
  const colon = text.charCodeAt(keyEnd) === COLON ? keyEnd : skipSpace(text, keyEnd);
  return skipSpace(text, colon + 1);
}

function isContainer(text: ByteText, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === OPEN_OBJECT || code === OPEN_ARRAY;
}

/** Whether a JSON value is an object. */
export function isObjectText(value: ByteText): boolean {
  return value.charCodeAt(0) === OPEN_OBJECT;
}

export function isStringText(value: ByteText): boolean {
  return value.charCodeAt(0) === QUOTE;
}

/** The value of a JSON string. */
export function stringOf(value: ByteText): string {
  return ODD.test(value) ? (JSON.parse(bytesOf(value).toString()) as string) : value.slice(1, -1);
}

/** The JSON string with this value. */
export function stringText(text: string): ByteText {
  const json = JSON.stringify(text);
  return BEYOND_ASCII.test(json) ? byteText(Buffer.from(json)) : json;
}

/** Just after the value that begins at `from`. */
function valueEnd(text: ByteText, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = stringEnd(text, at);
      if (depth === 0) return at;
      continue;
    }
    if (code === OPEN_ARRAY || code === OPEN_OBJECT) depth += 1;
    else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (code === COMMA || isSpace(code))) return at;
    at += 1;
  }
  return at;
}

/** Just after the closing quote of the string that begins at `from`. */
function stringEnd(text: ByteText, from: number): number {
  let quote = text.indexOf('"', from + 1);
  while (quote >= 0 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote < 0 ? text.length : quote + 1;
}

/** An odd number of backslashes precedes it. */
function isEscaped(text: ByteText, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

function skipSpace(text: ByteText, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
