const COMPACT_FROM = 1_024;

/** First in, first out, with a way to put items back; `shift` does not move the rest. */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    // Releases the memory of removed items.
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head >= COMPACT_FROM && this.#head * 2 >= this.#items.length) this.#compact();
    return item;
  }

  /** Puts these before all others, in order. */
  unshift(items: readonly T[]): void {
    if (items.length === 0) return;
    this.#items = [...items, ...this.#items.slice(this.#head)];
    this.#head = 0;
  }

  /** Keeps the items that fulfil the condition. */
  keep(wanted: (item: T, index: number) => boolean): void {
    this.#compact();
    this.#items = (this.#items as T[]).filter(wanted);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let index = this.#head; index < this.#items.length; index += 1) yield this.#items[index] as T;
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}
