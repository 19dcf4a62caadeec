/** What a connection gets of an event: its bytes, or its bytes with one trailing `_firehose` key. */
export type Format = 'plain' | 'meta';

/** Everything that decides which bytes an event becomes. Two connections with equal forms get equal bytes. */
export interface Form {
  readonly format: Format;
}

export const PLAIN: Form = { format: 'plain' };
export const WITH_META: Form = { format: 'meta' };

/** A form in use, of which there is one object a replica: rounds keep the frames that they made of it by its number. */
export interface Encoding extends Form {
  /** Never used again for another form. */
  readonly id: number;
  readonly key: string;
}

/** Forms in use at most: each one that is used is made once of every event that a connection wants in it. */
const MOST_ENCODINGS = 16;

interface Held {
  readonly encoding: Encoding;
  uses: number;
}

/** The forms in use on this replica (F1). A form goes with its last user. */
export class Encodings {
  readonly #held = new Map<string, Held>();
  readonly #most: number;
  #nextId = 0;

  constructor(most = MOST_ENCODINGS) {
    this.#most = most;
  }

  get size(): number {
    return this.#held.size;
  }

  hasRoomFor(form: Form): boolean {
    return this.#held.size < this.#most || this.#held.has(keyOf(form));
  }

  /** Give it back by `release`. Ask `hasRoomFor` first. */
  hold(form: Form): Encoding {
    const key = keyOf(form);
    let held = this.#held.get(key);
    if (held === undefined) {
      if (!this.hasRoomFor(form)) throw new Error(`more than ${this.#most} forms of an event are in use`);
      held = { encoding: { ...form, key, id: this.#nextId }, uses: 0 };
      this.#nextId += 1;
      this.#held.set(key, held);
    }
    held.uses += 1;
    return held.encoding;
  }

  release({ key }: Encoding): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    held.uses -= 1;
    if (held.uses === 0) this.#held.delete(key);
  }
}

function keyOf({ format }: Form): string {
  return format;
}
