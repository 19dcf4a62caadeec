import { createHash } from 'node:crypto';

/**
 * The result of `canonical-json` and `event-id`, computed simply: from text to text, each value by itself. Their tests
 * compare the two.
 */

/** A member of an object, by its key and its canonical value. */
type CanonicalMember = readonly [key: string, value: string];

/**
 * The members of an object in canonical JSON (RFC 8785), in their original order. `text` is JSON that JSON.parse
 * accepted, nested at most 32 deep.
 */
function canonicalMembers(text: string): CanonicalMember[] {
  return new Canonical(text).members();
}

/** The canonical text of an object. */
function canonicalObject(members: readonly CanonicalMember[]): string {
  const sorted = members.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  let text = '{';
  for (const [key, value] of sorted) text += `${text.length > 1 ? ',' : ''}${JSON.stringify(key)}:${value}`;
  return `${text}}`;
}

/** The canonical text of any JSON value. */
export function plainCanonical(text: string): string {
  return new Canonical(text).value();
}

const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const SCALAR = /[^,\]} \n\r\t]+/y;

/**
 * RFC 8785, except for values that a double cannot represent: numbers stay as written, and repeated keys stay repeated.
 * With both, different values have different texts. For everything that JSON.stringify writes, the result is the RFC's
 * form.
 */
class Canonical {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipSpace();
  }

  value(): string {
    const first = this.#text[this.#at];
    if (first === '{') return canonicalObject(this.members());
    if (first === '[') return this.#array();
    const text = first === '"' ? canonicalString(this.#string()) : this.#take(SCALAR);
    this.#skipSpace();
    return text;
  }

  members(): CanonicalMember[] {
    const members: CanonicalMember[] = [];
    this.#list('}', () => {
      const lexeme = this.#string();
      const key = lexeme.includes('\\') ? (JSON.parse(lexeme) as string) : lexeme.slice(1, -1);
      this.#skipSpace();
      // The colon.
      this.#skip();
      members.push([key, this.value()]);
    });
    return members;
  }

  #array(): string {
    const elements: string[] = [];
    this.#list(']', () => void elements.push(this.value()));
    return `[${elements.join(',')}]`;
  }

  /** From an opening bracket to just after the closing one. */
  #list(close: string, item: () => void): void {
    this.#skip();
    while (this.#text[this.#at] !== close) {
      item();
      if (this.#text[this.#at] === ',') this.#skip();
    }
    this.#skip();
  }

  #skip(): void {
    this.#at += 1;
    this.#skipSpace();
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  /** The string that begins here, with its quotes. */
  #string(): string {
    const end = this.#text.indexOf('"', this.#at + 1) + 1;
    const text = this.#text.slice(this.#at, end);
    // The quote that was found may be escaped.
    if (end === 0 || text.includes('\\')) return this.#take(STRING);
    this.#at = end;
    return text;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [taken = ''] = pattern.exec(this.#text) ?? [];
    this.#at += taken.length;
    return taken;
  }
}

function canonicalString(lexeme: string): string {
  return lexeme.includes('\\') ? JSON.stringify(JSON.parse(lexeme)) : lexeme;
}

const OF_PUBLISHERS: ReadonlySet<string> = new Set(['Node', 'Server-ID', 'App-Name', 'App-Version', 'Ecallmgr-Node']);
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** The derived id of an event, by its text. */
export function plainEventId(text: string): string {
  const event = canonicalMembers(text);
  const body = event.filter(([key]) => !OF_PUBLISHERS.has(key)).map(withoutPublisher);
  const identity = ['Call-ID', 'Event-Name', 'Msg-ID'].map(
    (key) => event.findLast(([name]) => name === key)?.[1] ?? 'null',
  );
  const digest = createHash('sha256')
    .update(`[${[...identity, canonicalObject(body)].join(',')}]`)
    .digest()
    .subarray(0, 16);
  const bits = `${Array.from(digest, (byte) => byte.toString(2).padStart(8, '0')).join('')}00`;
  return Array.from({ length: 26 }, (_, at) => BASE32[Number.parseInt(bits.slice(at * 5, at * 5 + 5), 2)]).join('');
}

function withoutPublisher([key, value]: CanonicalMember): CanonicalMember {
  if (key !== 'Custom-Channel-Vars' || !value.startsWith('{')) return [key, value];
  return [key, canonicalObject(canonicalMembers(value).filter(([name]) => name !== 'Ecallmgr-Node'))];
}
