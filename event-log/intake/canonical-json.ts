/** A member of an object, by its key and its canonical value. */
export type CanonicalMember = readonly [key: string, value: string];

/**
 * The members of an object in canonical JSON (RFC 8785), in their own order. `text` is JSON that JSON.parse accepted and
 * that is nested at most 32 deep.
 */
export function canonicalMembers(text: string): CanonicalMember[] {
  return new Canonical(text).members();
}

/** The canonical text of an object. */
export function canonicalObject(members: readonly CanonicalMember[]): string {
  const sorted = members.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  let text = '{';
  for (const [key, value] of sorted) text += `${text.length > 1 ? ',' : ''}${quoted(key)}:${value}`;
  return `${text}}`;
}

const MAX_REMEMBERED = 4_096;
const MAX_REMEMBERED_LENGTH = 64;
const remembered = new Map<string, string>();

/** A key in quotes. Keys are the same in every event. */
function quoted(key: string): string {
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const text = JSON.stringify(key);
  if (remembered.size < MAX_REMEMBERED && key.length <= MAX_REMEMBERED_LENGTH) remembered.set(key, text);
  return text;
}

/** The canonical text of any JSON value. */
export function canonicalText(text: string): string {
  return new Canonical(text).value();
}

const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const SCALAR = /[^,\]} \n\r\t]+/y;

/**
 * RFC 8785 except for what a double cannot hold: numbers stay as written, and repeated keys stay repeated. Both give
 * another text for another value. For all that JSON.stringify writes it is the RFC's form.
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
    // The quote that was found may be an escaped one.
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
