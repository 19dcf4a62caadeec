/** Something that the stream said: an event as its text, or a note about the stream itself. */
export type Item =
  | { readonly kind: 'event'; readonly number: number; readonly text: string }
  | { readonly kind: 'note'; readonly number: number; readonly tone: Tone; readonly text: string; readonly at: number };
export type Tone = 'bad' | 'plain' | 'good';

/** The last items, the newest first. An event is kept as its text: it is read when it is looked at. */
export class Ring {
  readonly #items: (Item | undefined)[];
  #heard = 0;
  #events = 0;

  constructor(size: number) {
    this.#items = Array.from({ length: size });
  }

  /** How many there ever were. */
  get heard(): number {
    return this.#heard;
  }

  /** How many of them were events. */
  get events(): number {
    return this.#events;
  }

  get length(): number {
    return Math.min(this.#heard, this.#items.length);
  }

  get hasDropped(): boolean {
    return this.#heard > this.#items.length;
  }

  addEvent(text: string): void {
    this.#events += 1;
    this.#add({ kind: 'event', number: this.#heard, text });
  }

  addNote(tone: Tone, text: string, at: number): void {
    this.#add({ kind: 'note', number: this.#heard, tone, text, at });
  }

  /** `at` 0 is the newest. */
  get(at: number): Item | undefined {
    return at < 0 || at >= this.length ? undefined : this.#items[(this.#heard - 1 - at) % this.#items.length];
  }

  /** All that is kept, the newest first: what a paused page goes on showing. */
  snapshot(): readonly Item[] {
    return Array.from({ length: this.length }, (_, at) => this.get(at)).filter((item) => item !== undefined);
  }

  clear(): void {
    this.#items.fill(undefined);
    this.#heard = 0;
    this.#events = 0;
  }

  #add(item: Item): void {
    this.#items[this.#heard % this.#items.length] = item;
    this.#heard += 1;
  }
}
