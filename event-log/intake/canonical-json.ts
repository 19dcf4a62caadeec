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
  return `{${sorted.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
}

/** The canonical text of any JSON value. */
export function canonicalText(text: string): string {
  return new Canonical(text).value();
}

const SPACE = /[ \n\r\t]*/y;
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
    this.#take(SPACE);
  }

  value(): string {
    const first = this.#text[this.#at];
    if (first === '{') return canonicalObject(this.members());
    if (first === '[') return this.#array();
    const text = first === '"' ? canonicalString(this.#take(STRING)) : this.#take(SCALAR);
    this.#take(SPACE);
    return text;
  }

  members(): CanonicalMember[] {
    const members: CanonicalMember[] = [];
    this.#list('}', () => {
      const key = JSON.parse(this.#take(STRING)) as string;
      this.#take(SPACE);
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
    this.#take(SPACE);
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
